package v2_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestTheLifeOfAnInstance(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Talk(
		resttest.Call("POST", "/topics/blobs/partitions/0", `{"records":[{"key":"ImMtMTci","value":"eyJza3UiOjl9","timestamp":1790000000000}]}`, 200, `*`),
		resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `{"instance_id":"w1","base_uri":"http://`+s.Addr+resttest.W1+`"}`),
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":[]}`),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["orders","blobs","blobs"]}`, 204, ``),
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":["blobs","orders"]}`),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``),
		resttest.Call(
			"GET", resttest.W1+"/records?timeout=10000", ``, 200,
			`[{"topic":"blobs","key":"c-17","value":{"sku":9},"partition":0,"offset":0,"timestamp":1790000000000}]`,
		),
		resttest.Call("GET", resttest.W1+"/offsets?topic=blobs&partition=0", ``, 200, `{"offsets":[]}`),
		resttest.Call(
			"GET", resttest.W1, ``, 200,
			`{"instance_id":"w1","format":"json","auto.commit.enable":false,"partitions":[{"topic":"blobs","partition":0}],"uncommitted":1,"expires_in_ms":29*`,
		),
		resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`),
		resttest.Call("GET", resttest.W1+"/offsets", `{"partitions":[{"topic":"blobs","partition":0}]}`, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":1,"metadata":""}]}`),
		resttest.Call("GET", resttest.W1+"/records?timeout=50", ``, 200, `[]`),
		resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`),
		resttest.Call("DELETE", resttest.W1+"/subscription", ``, 204, ``),
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":[]}`),
		resttest.Call("DELETE", resttest.W1+"/", ``, 204, ``),
		resttest.Call("DELETE", resttest.W1, ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It was deleted."}`),
		resttest.Call("GET", resttest.W1+"/records", ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It was deleted."}`),
	)
	s.WantBooks()
}

func TestInstancesThatAreNotMade(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxInstances: 2}})
	s.Talk(resttest.Call("POST", "/consumers/g", `{"id":"a"}`, 200, `{"instance_id":"a",*`))
	for _, c := range []struct {
		body         string
		status, code int
		message      string
	}{
		{`{"name":"a"}`, 409, 40902, "already exists"},
		{`{"name":"a","on.conflict":"error"}`, 409, 40902, "already exists"},
		{`{"names":"a"}`, 422, 42204, "names"},
		{`{"name":""}`, 422, 42204, "name"},
		{`{"name":"a/b"}`, 422, 42204, "slash"},
		{`{"name":"a\u0000"}`, 422, 42204, "control"},
		{`{"name":["a"]}`, 422, 42204, "name"},
		{`{"format":"avro"}`, 422, 42204, "format"},
		{`{"auto.commit.enable":"maybe"}`, 422, 42204, "auto.commit.enable"},
		{`{"auto.offset.reset":"sometimes"}`, 422, 42204, "auto.offset.reset"},
		{`{"fetch.min.bytes":"x"}`, 422, 42204, "fetch.min.bytes"},
		{`{"fetch.min.bytes":-2}`, 422, 42204, "fetch.min.bytes"},
		{`{"consumer.request.timeout.ms":0}`, 422, 42204, "consumer.request.timeout.ms"},
		{`{"consumer.request.timeout.ms":"600001"}`, 422, 42204, "consumer.request.timeout.ms"},
		{`{"on.conflict":"fight"}`, 422, 42204, "on.conflict"},
		{`[]`, 422, 422, "object"},
		{`{"name":"b"`, 400, 400, "byte"},
	} {
		answer, text := s.Ask("POST", "/consumers/g", c.body)
		resttest.WantFailure(t, c.body, answer, text, c.status, c.code, c.message)
	}
	answer, text := s.Ask("POST", "/consumers/"+strings.Repeat("g", 256), "")
	resttest.WantFailure(t, "a long name of a group", answer, text, 422, 422, "249")
	s.Talk(resttest.Call("POST", "/consumers/g", ``, 200, `{"instance_id":"rest-consumer-*`))
	answer, text = s.Ask("POST", "/consumers/g", ``)
	resttest.WantFailure(t, "one too many", answer, text, 503, 50003, "http.max_instances")
	if answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSettingsInAllTheirSpellings(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for i, body := range []string{
		`{"id":"%d","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"true"}`,
		`{"name":"%d","format":"binary","auto.offset.reset":"latest","enable.auto.commit":false}`,
		`{"name":"%d","fetch.min.bytes":"100","consumer.request.timeout.ms":"1000"}`,
		`{"name":"%d","fetch.min.bytes":-1,"consumer.request.timeout.ms":1000,"isolation.level":"read_committed"}`,
		`{"name":"%d","format":null}`, `{"name":"%d","format":"JSON"}`, `{"name":"%d","format":"BINARY"}`,
	} {
		name := fmt.Sprintf("%d", i)
		s.Talk(
			resttest.Call("POST", "/consumers/g", fmt.Sprintf(body, i), 200, `{"instance_id":"`+name+`","base_uri":"http://`+s.Addr+`/consumers/g/instances/`+name+`"}`),
		)
	}
}

func TestTheBaseURIIsWhereTheClientAsked(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Names: exchange.Names{Hosts: []string{"kafka.example.org"}}})
	_, text := s.Ask("POST", "/consumers/a%20group", `{"name":"w 1"}`, "Host", "kafka.example.org:8082")
	if want := `{"instance_id":"w 1","base_uri":"http://kafka.example.org:8082/consumers/a%20group/instances/w%201"}`; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	s.Talk(resttest.Call("DELETE", "/consumers/a%20group/instances/w%201", ``, 204, ``))
}

func TestCallsOnInstancesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Talk(resttest.Call("POST", "/consumers/billing", `{"name":"w1"}`, 200, `*`)) // binary
	for _, c := range []struct {
		method, path, body, accept string
		status, code               int
		message                    string
	}{
		{"GET", "/consumers/billing/instances/w2/records", ``, "", 404, 40403, "There never was one"},
		{"POST", "/consumers/other/instances/w1/offsets", ``, "", 404, 40403, "There never was one"},
		{"GET", resttest.W1 + "/records", ``, "", 409, 40903, "neither subscribed"},
		{"POST", resttest.W1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":1}]}`, "", 409, 40903, "neither subscribed"},
		{"GET", resttest.W1 + "/offsets?topic=blobs&partition=0", ``, "", 409, 40903, "neither subscribed"},
		{"GET", resttest.W1 + "/offsets", ``, "", 422, 422, "partitions"},
		{"GET", resttest.W1 + "/offsets", `{}`, "", 422, 422, "partitions"},
		{"GET", resttest.W1 + "/offsets", `{"partitions":[{"topic":"blobs"}]}`, "", 422, 422, "partition"},
		{"GET", resttest.W1 + "/offsets?topic=a/b&partition=0", ``, "", 422, 422, "partition"},
		{"POST", resttest.W1 + "/subscription", ``, "", 422, 422, "the body is empty"},
		{"POST", resttest.W1 + "/subscription", `{}`, "", 422, 422, "topics"},
		{"POST", resttest.W1 + "/subscription", `{"topics":"blobs"}`, "", 422, 422, "list"},
		{"POST", resttest.W1 + "/subscription", `{"topics":[1]}`, "", 422, 422, "string"},
		{"POST", resttest.W1 + "/subscription", `{"topics":["a/b"]}`, "", 422, 422, "name of a topic"},
		{"POST", resttest.W1 + "/subscription", `{"topic":["a"]}`, "", 422, 422, "topic"},
		{"POST", resttest.W1 + "/subscription", `{"topics":["a"],"topic_pattern":"b"}`, "", 409, 40903, "mutually exclusive"},
		{"POST", resttest.W1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0}]}`, "", 422, 422, "offset"},
		{"POST", resttest.W1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":-1}]}`, "", 422, 422, "offset"},
		{"POST", resttest.W1 + "/offsets", `{"offset":[]}`, "", 422, 422, "offset"},
		{"POST", resttest.W1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":9223372036854775807}]}`, "", 422, 422, "offset"},
		{"GET", resttest.W1 + "/records?timeout=soon", ``, "", 422, 422, "timeout"},
		{"GET", resttest.W1 + "/records?max_bytes=1.5", ``, "", 422, 422, "max_bytes"},
		{"GET", resttest.W1 + "/records", ``, ofJSON, 406, 40601, "does not match"},
		{"GET", resttest.W1 + "/records", ``, "application/vnd.kafka.avro.v2+json; q=0.5, " + ofJSON, 406, 40601, "does not match"},
		{"PUT", resttest.W1 + "/records", ``, "", 405, 405, "use GET"},
		{"GET", "/consumers/billing", ``, "", 405, 405, "use POST"},
	} {
		answer, text := s.Ask(c.method, c.path, c.body, "Accept", c.accept)
		resttest.WantFailure(t, c.method+" "+c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	if answer, _ := s.Ask("HEAD", resttest.W1+"/records", ""); answer.StatusCode != 405 {
		t.Errorf("HEAD: %d: it would take records", answer.StatusCode)
	}
}

func TestAWorkerThatStartedAgainTakesItsNameOver(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(2)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1)
	poll := make(chan string)
	go func() {
		_, text := s.Ask("GET", resttest.W1+"/records?timeout=600000", "")
		poll <- text
	}()
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	generation := s.Cluster.GroupInfo("billing").Epoch
	s.Instance(strings.Replace(resttest.Manual, `{`, `{"on.conflict":"takeover",`, 1), "blobs")
	if text := <-poll; !strings.Contains(text, "taken its name over") {
		t.Errorf("the old worker got %s", text)
	}
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1)
	if now := s.Cluster.GroupInfo("billing").Epoch; now != generation {
		t.Errorf("generation %d, was %d", now, generation)
	}
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(2)
	s.WantBooks()
}

func TestTwoInstancesShareThePartitionsOfATopic(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for i := range 60 {
		s.Talk(resttest.Call("POST", fmt.Sprintf("/topics/orders/partitions/%d", i%3), `{"records":[{"value":""}]}`, http.StatusOK, `*`))
	}
	seen := make(chan string, 100)
	var workers sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		s.Talk(
			resttest.Call("POST", "/consumers/billing", `{"name":"`+name+`"}`, 200, `*`),
			resttest.Call("POST", "/consumers/billing/instances/"+name+"/subscription", `{"topics":["orders"]}`, 204, ``),
		)
		workers.Go(func() {
			for len(seen) < 60 {
				for _, r := range s.Records("/consumers/billing/instances/" + name + "/records?timeout=100&max_bytes=500") {
					seen <- fmt.Sprint(r.Partition, " ", r.Offset)
				}
				s.Talk(resttest.Call("POST", "/consumers/billing/instances/"+name+"/offsets", ``, 200, `[]`))
			}
		})
	}
	workers.Wait()
	close(seen)
	distinct := map[string]bool{}
	for r := range seen {
		distinct[r] = true
	}
	if len(distinct) != 60 {
		t.Errorf("%d of 60 records", len(distinct))
	}
	for p := range int32(3) {
		if at := s.Cluster.GroupInfo("billing").Commits["orders"][p].Offset; at != 20 {
			t.Errorf("partition %d: committed %d", p, at)
		}
	}
	s.WantBooks()
}

// A client that subscribes again must not wait until Kafka misses its old membership.
func TestAnotherSubscriptionIsServedSoon(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Instance(resttest.Manual, "orders")
	s.Records(resttest.W1 + "/records?timeout=300")
	s.Talk(
		resttest.Call("DELETE", resttest.W1+"/subscription", ``, 204, ``),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topic_pattern":"blo.*"}`, 204, ``),
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":["blobs"]}`),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0) // Kafka would miss a member only after 45 s
}

// librdkafka tells only when a consumer is made whether properties fit together. That is the client's fault, too.
func TestPropertiesThatDoNotFitTogetherAreTheClientsFault(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Talk(resttest.Call("POST", "/consumers/billing", `{"name":"w1","session.timeout.ms":"60000","max.poll.interval.ms":"30000"}`, 200, `*`))
	answer, text := s.Ask("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`)
	resttest.WantFailure(t, "the subscription", answer, text, 422, 422, "max.poll.interval.ms")
}
