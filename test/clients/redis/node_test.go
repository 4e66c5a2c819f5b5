//go:build matrix

package redis

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// nodeClients are those of npm. node-redis 3 has callbacks, 4 promises. 5 adds RESP3 and pools, and 6 speaks RESP3 by itself,
// as ioredis 6 does.
func nodeClients() []client {
	return []client{
		ofNPM("node-redis", "redis", "3.1.2", "node_redis_3.js"),
		ofNPM("node-redis", "redis", "4.7.1", "node_redis.js"),
		ofNPM("node-redis", "redis", "5.12.1", "node_redis.js"),
		ofNPM("node-redis", "redis", "6.3.1", "node_redis.js"),
		ofNPM("ioredis", "ioredis", "4.31.0", "ioredis.js"),
		ofNPM("ioredis", "ioredis", "5.11.1", "ioredis.js"),
		ofNPM("ioredis", "ioredis", "6.0.0", "ioredis.js"),
		ofNPM("iovalkey", "iovalkey", "0.4.0", "ioredis.js"),
	}
}

// ofNPM is a client that npm installs under the name wanted.
func ofNPM(name, wanted, version, program string) client {
	return client{name, version, func(t *testing.T) []string {
		t.Helper()
		modules := packages.NPM(t, wanted+"-"+version, wanted+"@"+version)
		return []string{"env", "NODE_PATH=" + modules, "PACKAGE=" + wanted, "node", filepath.Join("node", program)}
	}}
}
