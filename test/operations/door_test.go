package operations

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

var binary = harness.OnceBinary(os.Getenv("SLUICE_BIN"))

func TestMain(m *testing.M) {
	status := m.Run()
	binary.Remove()
	os.Exit(status)
}

// within is a context that outlives no test; what has not happened by its end never will.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// cluster is a fake Kafka and an independent client of it.
type cluster struct {
	*harness.Fake

	admin *harness.Admin
}

func startCluster(t *testing.T, o harness.FakeOptions) *cluster {
	t.Helper()
	fake, err := harness.StartFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	admin, err := harness.OpenAdmin(fake.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return &cluster{fake, admin}
}

// start runs a proxy with its management door open; its log is shown when the test fails.
func start(t *testing.T, ctx context.Context, o harness.SluiceOptions) *harness.Sluice {
	t.Helper()
	o.Binary = binary.Path(t)
	if o.Management == "" {
		o.Management = freeAddr(t)
	}
	s, err := harness.StartSluice(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", s.Output())
		}
		_ = s.Close()
	})
	return s
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// writeConfig writes a configuration file and returns its path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits for what can only be looked at.
func until(t *testing.T, ctx context.Context, check func(context.Context) error) {
	t.Helper()
	if err := harness.Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// scrape reads the metrics.
func scrape(t *testing.T, ctx context.Context, s *harness.Sluice) *harness.Metrics {
	t.Helper()
	m, err := s.Scrape(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
