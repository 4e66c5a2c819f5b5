// Package harnesstest starts for a test what package harness can start. It ends all of that with the test, and fails the
// test where something does not start.
package harnesstest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/parallel"
)

// binary is the path of the proxy under test.
var binary string

// MainWaiting is Main for tests that do little but wait for servers: many run at a time.
func MainWaiting(m *testing.M) {
	parallel.Waiting()
	Main(m)
}

// Main runs the tests of a package that starts proxies, for its TestMain. It builds the proxy before the first test's
// time runs, unless SLUICE_BIN names one.
func Main(m *testing.M) {
	remove := func() {}
	if binary = os.Getenv("SLUICE_BIN"); binary == "" {
		var err error
		if binary, remove, err = harness.BuildShared(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	status := m.Run()
	remove()
	os.Exit(status)
}

// Binary is the path of the proxy under test.
func Binary() string { return binary }

// Need skips the test where a program is not on this machine, or does not run with the arguments, if there are any. With
// CI=true it fails: there, everything has to be checked.
func Need(t *testing.T, program string, args ...string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err == nil && len(args) > 0 {
		err = exec.CommandContext(t.Context(), program, args...).Run()
	}
	if err == nil {
		return
	}
	why := strings.Join(append([]string{program}, args...), " ") + " is needed: " + err.Error()
	if ci := os.Getenv("CI"); ci != "" && ci != "false" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Within is a context of the test that ends after d: what has not happened by then never will.
func Within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Until waits for something that has no event to wait for.
func Until(t *testing.T, ctx context.Context, check func(context.Context) error) {
	t.Helper()
	if err := harness.Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// FreeAddr is a loopback address that nobody listens at, host:port.
func FreeAddr(t *testing.T) string {
	t.Helper()
	addr, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Config writes a configuration file of these lines and returns its path.
func Config(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Sluice starts a proxy: the one under test, unless o names another. Its log is shown when the test fails.
func Sluice(t *testing.T, ctx context.Context, o harness.SluiceOptions) *harness.Sluice {
	t.Helper()
	if o.Binary == "" {
		o.Binary = binary
	}
	s, err := harness.StartSluice(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of the proxy at %s:\n%s", s.Addr, s.Output())
		}
		_ = s.Close()
	})
	return s
}

// Scrape reads a proxy's metrics.
func Scrape(t *testing.T, ctx context.Context, s *harness.Sluice) *harness.Metrics {
	t.Helper()
	m, err := s.Scrape(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
