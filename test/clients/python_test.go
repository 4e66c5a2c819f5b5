//go:build clients

package clients

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// redisPy are the versions of redis-py in the tests: without HELLO and CLIENT SETINFO, with
// SETINFO, and the newest, which speaks RESP3 and does not fall back.
var redisPy = []string{"4.6.0", "6.4.0", "8.1.0"}

func TestRedisPy(t *testing.T) {
	for _, version := range redisPy {
		t.Run(version, func(t *testing.T) {
			python := filepath.Join(packages.Virtualenv(t, "redis-py-"+version, "redis=="+version), "python")
			d := open(t)
			host, port, err := net.SplitHostPort(d.Addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(packages.Run(t, ".", clientPatience, "", python, "redis_py.py", host, port, d.topic))
			d.expectCommitted(t, "myapp", 3)
			d.expectCommitted(t, "resp3", 1)
		})
	}
}
