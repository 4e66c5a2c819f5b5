// Package packages fetches clients of other languages from their own registries, once for each version, for the tests
// that run them. What it fetched stays in the folder .cache of the package that is tested.
package packages

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

// Patience bounds what fetches packages, or builds with them.
const Patience = 10 * time.Minute

// Run runs a program to its end in a folder, for no longer than patience. It must end well; what it printed is returned.
func Run(t *testing.T, dir string, patience time.Duration, stdin, name string, args ...string) string {
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

// Once is the folder .cache/name. fill makes it, unless it has done so before.
func Once(t *testing.T, name string, fill func(dir string)) (dir string) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	fill(dir)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Stamped is the name with a stamp of what the files hold, so that another list of packages is installed anew.
func Stamped(t *testing.T, name string, files ...string) string {
	t.Helper()
	hash := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(text)
	}
	return name + "-" + hex.EncodeToString(hash.Sum(nil)[:4])
}

// Virtualenv installs what pip calls these packages, and returns the folder of its programs.
func Virtualenv(t *testing.T, name string, wanted ...string) (bin string) {
	t.Helper()
	harnesstest.Need(t, "python3", "-c", "import ensurepip, venv")
	dir := Once(t, name, func(dir string) {
		Run(t, ".", Patience, "", "python3", "-m", "venv", "--clear", dir)
		pip := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, wanted...)
		Run(t, ".", Patience, "", filepath.Join(dir, "bin", "python"), pip...)
	})
	return filepath.Join(dir, "bin")
}

// A request of npm that hangs is tried again within the test's time: npm itself waits for five minutes.
var npmPatience = []string{
	"--no-audit", "--no-fund", "--fetch-timeout", "15000", "--fetch-retries", "4",
	"--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "5000",
}

// NPM installs a package as npm calls it, and returns the folder of its modules.
func NPM(t *testing.T, name, wanted string) (modules string) {
	t.Helper()
	harnesstest.Need(t, "npm")
	dir := Once(t, name, func(dir string) {
		Run(t, ".", Patience, "", "npm", append([]string{"install", "--no-save", "--prefix", dir, wanted}, npmPatience...)...)
	})
	return filepath.Join(dir, "node_modules")
}

// NPMLocked installs what the package-lock.json of a folder names, and returns the folder of the modules.
func NPMLocked(t *testing.T, name, folder string) (modules string) {
	t.Helper()
	harnesstest.Need(t, "npm")
	dir := Once(t, Stamped(t, name, filepath.Join(folder, "package-lock.json")), func(dir string) {
		if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		Run(t, dir, Patience, "", "npm", append([]string{"ci"}, npmPatience...)...)
	})
	return filepath.Join(dir, "node_modules")
}

// Maven fetches what the pom.xml of a folder names, with values for its ${...}, and returns the folder of the jars.
func Maven(t *testing.T, name, folder string, properties ...string) (jars string) {
	t.Helper()
	harnesstest.Need(t, "mvn", "--version")
	return Once(t, Stamped(t, name, filepath.Join(folder, "pom.xml")), func(dir string) {
		args := append([]string{"-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=" + dir}, properties...)
		Run(t, folder, Patience, "", "mvn", args...)
	})
}
