//go:build browser

package clients

import (
	"context"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// site is a proxy before a fake cluster that has the topic orders.
type site struct {
	t      *testing.T
	sluice *harness.Sluice
	url    string // of its HTTP door
}

func openSite(t *testing.T) *site {
	t.Helper()
	browserPath(t) // skips where there is no browser
	ctx := harnesstest.Within(t, pagePatience)
	fake := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, fake.Admin, "orders", 1)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{Brokers: fake.Brokers(), HTTP: harnesstest.FreeAddr(t)})
	return &site{t, sluice, "http://" + sluice.HTTP}
}

// restart kills the proxy and starts it at the same addresses.
func (s *site) restart(ctx context.Context) {
	s.t.Helper()
	again, err := s.sluice.Restart(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sluice = again
	s.t.Cleanup(func() { _ = again.Close() })
}
