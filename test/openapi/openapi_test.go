//go:build openapi

package openapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

const (
	startPatience   = time.Minute
	installPatience = 5 * time.Minute
	askFor          = "75" // seconds that schemathesis makes requests for, unless OPENAPI_TIME says otherwise
	askPatience     = 3 * time.Minute
)

var binary = harness.OnceBinary(os.Getenv("SLUICE_BIN"))

func TestMain(m *testing.M) {
	status := m.Run()
	binary.Remove()
	os.Exit(status)
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	run(t, installPatience, tool(t, "openapi-spec-validator"), filepath.Join("..", "..", "server", "rest", "openapi.json"))
}

// OPENAPI_SEED asks other questions.
func TestAnswersAreAsDescribed(t *testing.T) {
	schemathesis := tool(t, "schemathesis")
	sluice, door := open(t)
	t.Log(run(t, askPatience, schemathesis, "--no-color", "run", "http://"+door+"/openapi.json", "--max-time", cmp.Or(os.Getenv("OPENAPI_TIME"), askFor),
		"--seed", cmp.Or(os.Getenv("OPENAPI_SEED"), "1"), "--generation-database", "none"))
	shown := succeeded(t, sluice)
	if len(shown) == 0 {
		t.Error("no call succeeded even once")
	}
	t.Logf("%d calls succeeded:\n%s", len(shown), strings.Join(shown, "\n"))
}

// succeeded are the calls that were answered well at least once: the others say nothing but what is wrong.
func succeeded(t *testing.T, sluice *harness.Sluice) (calls []string) {
	t.Helper()
	m, err := sluice.Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Series {
		if s.Name == "sluice_http_requests_total" && s.Labels["status"] == "2xx" {
			calls = append(calls, fmt.Sprintf("%6.0f %s %s", s.Value, s.Labels["method"], s.Labels["route"]))
		}
	}
	return calls
}

// open starts a proxy before a fake cluster with the topics that schemathesis.toml names.
func open(t *testing.T) (sluice *harness.Sluice, door string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	fake, err := harness.StartFake(harness.FakeOptions{NoAutoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	admin, err := harness.OpenAdmin(fake.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := errors.Join(admin.CreateTopic(ctx, "orders", 3), admin.CreateTopic(ctx, "blobs", 1)); err != nil {
		t.Fatal(err)
	}
	management, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	if door, err = harness.FreeAddr(); err != nil {
		t.Fatal(err)
	}
	sluice, err = harness.StartSluice(ctx, harness.SluiceOptions{
		Binary: binary.Path(t), Brokers: fake.Brokers(), Management: management, Args: []string{"--http", door},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", sluice.Output())
		}
		_ = sluice.Close()
	})
	return sluice, door
}

// tool is a program of the virtual environment with what requirements.txt names, which is made once.
func tool(t *testing.T, name string) string {
	t.Helper()
	wanted, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(wanted)
	dir, err := filepath.Abs(filepath.Join(".cache", hex.EncodeToString(sum[:4])))
	if err != nil {
		t.Fatal(err)
	}
	program, done := filepath.Join(dir, "bin", name), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return program
	}
	if why, err := exec.Command("python3", "-c", "import ensurepip, venv").CombinedOutput(); err != nil {
		cannot(t, "python3 with venv is needed (Debian: python3 python3-venv): "+err.Error()+"\n"+string(why))
	}
	run(t, installPatience, "python3", "-m", "venv", "--clear", dir)
	run(t, installPatience, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return program
}

// cannot skips the test and says why; where everything has to be there, it fails.
func cannot(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal("cannot be checked here: " + why)
	}
	t.Skip("cannot be checked here: " + why)
}

// run runs a program to its end, which must be good, and returns what it printed.
func run(t *testing.T, patience time.Duration, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PYTHONPATH=.", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
