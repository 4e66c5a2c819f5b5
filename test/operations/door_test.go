package operations

import (
	"context"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// start runs a proxy with its management door open.
func start(t *testing.T, ctx context.Context, o harness.SluiceOptions) *harness.Sluice {
	t.Helper()
	if o.Management == "" {
		o.Management = harnesstest.FreeAddr(t)
	}
	return harnesstest.Sluice(t, ctx, o)
}
