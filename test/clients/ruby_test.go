//go:build clients

package clients

import (
	"net"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Debian's redis gem, and on it what rafka-rb does: see redis_rb.rb, which ends with status 0 when
// all of its expectations hold.
func TestRedisRB(t *testing.T) {
	harnesstest.Need(t, "ruby", "-e", `require "redis"`)
	d := open(t)
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(packages.Run(t, ".", clientPatience, "", "ruby", "redis_rb.rb", host, port, d.topic))
	d.expectCommitted(t, "myapp", 4)
	d.expectValues(t, "Hello there!", "with a key", "three", "four", "five")
}
