//go:build clients

package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// What the Python clients need of others.
const requests, slugify = "requests==2.34.2", "python-slugify==8.0.4"

// nlp-kafka-rest-api: a partner answers on another topic; produces JSON and consumes base64, with a body in every GET and DELETE.
func TestNLPKafkaRestAPI(t *testing.T) {
	python := filepath.Join(virtualenv(t, "nlp-kafka-rest-api-1.0.0", "nlp-kafka-rest-api==1.0.0", requests), "python")
	d, url := openREST(t)
	if err := d.admin.CreateTopic(t.Context(), d.topic+"-response", 1); err != nil {
		t.Fatal(err)
	}
	t.Log(program(t, "", python, "rest_nlp.py", url, d.topic))
}

// pymapr-kafkarest: a trailing slash behind "positions", and a name that is taken after a crash.
func TestPymaprKafkarest(t *testing.T) {
	python := filepath.Join(virtualenv(t, "pymapr-kafkarest-0.1.1", "pymapr-kafkarest==0.1.1", requests, slugify), "python")
	d, url := openREST(t)
	t.Log(program(t, "", python, "rest_pymapr.py", url, d.topic))
	d.expectCommitted(t, "mapr", 4)
}

// kafka-rest: Confluent's own for Node.js. It speaks version 1, which produces and reads metadata as version 2
// does; its way to consume is not there.
func TestKafkaRestNode(t *testing.T) {
	modules := npm(t, "kafka-rest-0.0.5", "kafka-rest@0.0.5")
	d, url := openREST(t)
	t.Setenv("NODE_PATH", modules)
	t.Log(program(t, "", "node", "rest_node.js", url, d.topic))
	d.expectValues(t, "one", "two", "three")
}

// npm installs a package, once, and returns the folder of its modules.
func npm(t *testing.T, name, wanted string) string {
	t.Helper()
	harnesstest.Need(t, "npm")
	dir, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	modules, done := filepath.Join(dir, "node_modules"), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return modules
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	// A request that hangs is tried again within the test's time: npm itself waits for five minutes.
	program(t, "", "npm", "install", "--no-save", "--no-audit", "--no-fund", "--fetch-timeout", "15000", "--fetch-retries", "4",
		"--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "5000", "--prefix", dir, wanted)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return modules
}
