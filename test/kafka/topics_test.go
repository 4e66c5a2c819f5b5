//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// door asks the HTTP door of a proxy.
type door struct {
	ctx    context.Context
	proxy  *harness.Sluice
	topics string // the path of version 3's topics
}

// want asks, and fails the test unless the answer has the status and a text.
func (d *door) want(t *testing.T, method, path, body string, status int, text string) {
	t.Helper()
	if got, said := d.ask(t, method, path, body); got != status || !strings.Contains(said, text) {
		t.Errorf("%s %s %s is answered with %d %s, want %d and %s", method, path, body, got, said, status, text)
	}
}

func (d *door) ask(t *testing.T, method, path, body string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(d.ctx, method, "http://"+d.proxy.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(said)
}

// Brokers learn of a topic one after the other. It is usable all the same as soon as sluice has said that it is there.
func TestTopicsAreChangedOverHTTP(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := &cluster{harnesstest.Kafka(t, ctx, harness.KafkaOptions{Nodes: 3, Properties: map[string]string{"auto.create.topics.enable": "false"}})}
	d := &door{ctx: ctx, proxy: c.proxy(t, ctx, "http: {delete_topics: true}")}
	_, clusters := d.ask(t, http.MethodGet, "/v3/clusters", "")
	_, id, _ := strings.Cut(clusters, `"cluster_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	d.topics = "/v3/clusters/" + id + "/topics"
	for i := range 5 {
		t.Run(fmt.Sprint(i), func(t *testing.T) { d.life(t, fmt.Sprintf("fresh-%d", i)) })
	}
	t.Run("refused", d.refusals)
}

// life creates a topic, changes it, and deletes it. At every step it is as it should be, at once.
func (d *door) life(t *testing.T, name string) {
	records, topic := "/v1/topics/"+name+"/records?partition=", d.topics+"/"+name
	d.want(t, http.MethodPost, records+"0", "x", 404, "40401")
	d.want(t, http.MethodPost, d.topics, `{"topic_name":"`+name+`","partitions_count":2,"replication_factor":3,"configs":[{"name":"retention.ms","value":60000}]}`,
		201, `"replication_factor":3,"partitions_count":2,`)
	d.want(t, http.MethodPost, records+"1", "x", 200, `"partition":1`)
	d.want(t, http.MethodPost, records+"2", "x", 404, "40402")
	d.want(t, http.MethodGet, "/topics/"+name+"/partitions/1/offsets", "", 200, `"end_offset":1`)
	d.want(t, http.MethodPatch, topic, `{"partitions_count":4}`, 200, `"partitions_count":4,`)
	d.want(t, http.MethodPost, records+"3", "x", 200, `"partition":3`)
	d.want(t, http.MethodGet, "/topics/"+name+"/partitions/3/offsets", "", 200, `"end_offset":1`)
	d.want(t, http.MethodPut, topic+"/configs/retention.ms", `{"value":"70000"}`, 204, "")
	d.becomes(t, topic+"/configs/retention.ms", `"value":"70000"`)
	d.want(t, http.MethodDelete, topic+"/configs/retention.ms", ``, 204, "")
	d.becomes(t, topic+"/configs/retention.ms", `"is_default":true`)
	d.want(t, http.MethodPost, topic+"/configs:alter", `{"data":[{"name":"cleanup.policy","value":"compact"}]}`, 204, "")
	d.becomes(t, topic+"/configs/cleanup.policy", `"value":"compact"`)
	d.want(t, http.MethodDelete, topic, ``, 204, "")
	d.want(t, http.MethodPost, records+"0", "x", 404, "40401")
}

// becomes waits until the broker that is asked for a setting has learnt of the change.
func (d *door) becomes(t *testing.T, path, text string) {
	t.Helper()
	harnesstest.Until(t, d.ctx, func(context.Context) error {
		if _, said := d.ask(t, http.MethodGet, path, ""); !strings.Contains(said, text) {
			return fmt.Errorf("it is %s", said)
		}
		return nil
	})
}

// refusals are what only a real broker refuses, in its own words.
func (d *door) refusals(t *testing.T) {
	d.want(t, http.MethodPost, d.topics, `{"topic_name":"kept","partitions_count":2}`, 201, `"partitions_count":2,`)
	for _, c := range []struct{ method, path, body, text string }{
		{http.MethodPost, "", `{"topic_name":"kept"}`, "Topic 'kept' already exists."},
		{http.MethodPost, "", `{"topic_name":"other","replication_factor":9}`, "eplication"},
		{http.MethodPost, "", `{"topic_name":"other","configs":[{"name":"no.such","value":1}]}`, "no.such"},
		{http.MethodPost, "", `{"topic_name":"other","configs":[{"name":"retention.ms","value":"soon"}],"validate_only":true}`, "soon"},
		{http.MethodPatch, "/kept", `{"partitions_count":2}`, "partition"},
		{http.MethodPut, "/kept/configs/retention.ms", `{"value":"soon"}`, "soon"},
		{http.MethodPost, "/kept/configs:alter", `{"data":[{"name":"retention.ms","value":"soon"}],"validate_only":true}`, "soon"},
	} {
		d.want(t, c.method, d.topics+c.path, c.body, 400, c.text)
		d.want(t, c.method, d.topics+c.path, c.body, 400, `{"error_code":40002,"message":"the brokers refuse it: `)
	}
	d.want(t, http.MethodGet, d.topics+"/other", "", 404, "40403")
}
