//go:build matrix

package redis

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// javaClients are those of Java. Jedis has three ways in: a pool of connections, and two clients that are pools.
func javaClients() []client {
	const jedis, lettuce, redisson = "redis.clients:jedis", "io.lettuce:lettuce-core", "org.redisson:redisson"
	return []client{
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "3.10.0"),
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "4.4.8"),
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "5.2.0"),
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "6.2.0"),
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "7.5.3"),
		javaClient("Jedis, JedisPool", "WithJedis", jedis, "8.0.2"),
		javaClient("Jedis, JedisPooled", "WithJedisPooled", jedis, "5.2.0"),
		javaClient("Jedis, JedisPooled", "WithJedisPooled", jedis, "6.2.0"),
		javaClient("Jedis, JedisPooled", "WithJedisPooled", jedis, "7.5.3"),
		javaClient("Jedis, RedisClient", "WithRedisClient", jedis, "8.0.2"),
		javaClient("Lettuce", "WithLettuce", lettuce, "6.8.2.RELEASE"),
		javaClient("Lettuce", "WithLettuce", lettuce, "7.7.0.RELEASE"),
		javaClient("Redisson", "WithRedisson", redisson, "3.52.0"),
		javaClient("Redisson", "WithRedisson", redisson, "4.7.0"),
	}
}

// building lets one Maven at a time into its own cache, and lets rows share what it fetched.
var building sync.Mutex

// javaClient is a client that Maven calls artifact, and the program for it, compiled against this version.
func javaClient(name, program, artifact, version string) client {
	return client{name: name, version: version, command: func(t *testing.T) []string {
		t.Helper()
		harnesstest.Need(t, "javac", "-version")
		building.Lock()
		defer building.Unlock()
		group, id, _ := strings.Cut(artifact, ":")
		jars := filepath.Join(packages.Maven(t, id+"-"+version, "java",
			"-Dclient.group="+group, "-Dclient.artifact="+id, "-Dclient.version="+version), "*")
		sources, err := filepath.Glob(filepath.Join("java", "*.java"))
		if err != nil {
			t.Fatal(err)
		}
		classes := packages.Once(t, packages.Stamped(t, program+"-"+version, sources...), func(dir string) {
			packages.Run(t, "java", packages.Patience, "", "javac",
				"-encoding", "UTF-8", "-cp", jars, "-sourcepath", ".", "-d", dir, program+".java")
		})
		// Each step is a process: the quick compiler is enough.
		return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", jars + string(filepath.ListSeparator) + classes, program}
	}}
}
