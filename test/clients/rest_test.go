//go:build clients

package clients

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// What the Python clients need of others.
const requests, slugify = "requests==2.34.2", "python-slugify==8.0.4"

// nlp-kafka-rest-api: a partner answers on another topic; produces JSON and consumes base64, with a body in every GET and DELETE.
func TestNLPKafkaRestAPI(t *testing.T) {
	python := filepath.Join(packages.Virtualenv(t, "nlp-kafka-rest-api-1.0.0", "nlp-kafka-rest-api==1.0.0", requests), "python")
	d, url := openREST(t)
	if err := d.admin.CreateTopic(t.Context(), d.topic+"-response", 1); err != nil {
		t.Fatal(err)
	}
	t.Log(packages.Run(t, ".", clientPatience, "", python, "rest_nlp.py", url, d.topic))
}

// pymapr-kafkarest: a trailing slash behind "positions", and a name that is taken after a crash.
func TestPymaprKafkarest(t *testing.T) {
	python := filepath.Join(packages.Virtualenv(t, "pymapr-kafkarest-0.1.1", "pymapr-kafkarest==0.1.1", requests, slugify), "python")
	d, url := openREST(t)
	t.Log(packages.Run(t, ".", clientPatience, "", python, "rest_pymapr.py", url, d.topic))
	d.expectCommitted(t, "mapr", 4)
}

// kafka-rest: Confluent's own for Node.js. It speaks version 1, which produces and reads metadata as version 2
// does; its way to consume is not there.
func TestKafkaRestNode(t *testing.T) {
	modules := packages.NPM(t, "kafka-rest-0.0.5", "kafka-rest@0.0.5")
	d, url := openREST(t)
	t.Setenv("NODE_PATH", modules)
	t.Log(packages.Run(t, ".", clientPatience, "", "node", "rest_node.js", url, d.topic))
	d.expectValues(t, "one", "two", "three")
}
