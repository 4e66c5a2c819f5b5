//go:build clients || generated

package clients

import (
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// openREST is a proxy whose HTTP door is at url.
func openREST(t *testing.T) (d *door, url string) {
	t.Helper()
	addr := harnesstest.FreeAddr(t)
	return open(t, "--http", addr), "http://" + addr
}
