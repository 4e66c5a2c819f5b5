//go:build clients || openapi || generated

package clients

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// installPatience bounds what fetches packages.
const installPatience = 5 * time.Minute

// program runs a program to its end, which must be good, and returns what it printed.
func program(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	return programIn(t, ".", clientPatience, stdin, name, args...)
}

// programIn runs it in a folder, for no longer than patience.
func programIn(t *testing.T, dir string, patience time.Duration, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "PYTHONPATH=.", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// stamped is the name with a stamp of what the file holds, so that another list of packages is installed anew.
func stamped(t *testing.T, name, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return name + "-" + hex.EncodeToString(sum[:4])
}

// virtualenv installs what pip calls these packages, once, and returns the folder of its programs.
func virtualenv(t *testing.T, name string, wanted ...string) string {
	t.Helper()
	harnesstest.Need(t, "python3", "-c", "import ensurepip, venv")
	dir, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	bin, done := filepath.Join(dir, "bin"), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return bin
	}
	programIn(t, ".", installPatience, "", "python3", "-m", "venv", "--clear", dir)
	pip := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, wanted...)
	programIn(t, ".", installPatience, "", filepath.Join(bin, "python"), pip...)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return bin
}
