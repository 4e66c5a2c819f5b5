//go:build matrix

package redis

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// pythonClients are those of PyPI. redis-py 4 knows no HELLO, 5 asks for RESP3 if it is told to, and 8 by itself.
func pythonClients() []client {
	return []client{
		ofPyPI("redis-py", "redis", "4.6.0", "redis_py.py"),
		ofPyPI("redis-py", "redis", "5.0.8", "redis_py.py"),
		ofPyPI("redis-py", "redis", "6.4.0", "redis_py.py"),
		ofPyPI("redis-py", "redis", "7.1.1", "redis_py.py"),
		ofPyPI("redis-py", "redis", "8.1.0", "redis_py.py"),
		ofPyPI("redis.asyncio", "redis", "8.1.0", "redis_asyncio.py"),
		ofPyPI("valkey-py", "valkey", "6.2.0", "redis_py.py"),
		ofPyPI("valkey-glide (Python)", "valkey-glide", "2.6.0", "valkey_glide.py"),
	}
}

// ofPyPI is a client that pip installs under the name wanted.
func ofPyPI(name, wanted, version, program string) client {
	return client{name, version, func(t *testing.T) []string {
		t.Helper()
		// Every program has packages of its own: programs are run at the same time.
		bin := packages.Virtualenv(t, strings.TrimSuffix(program, ".py")+"-"+wanted+"-"+version, wanted+"=="+version)
		return []string{filepath.Join(bin, "python"), filepath.Join("python", program)}
	}}
}
