package v2_test

import (
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestErrorsAsStrimzisBridgeHasThem(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{V2Answers: exchange.V2Answers{BridgeAnswers: true}})
	s.Instance(`{"name":"w1"}`, "blobs")
	s.Talk(resttest.Call("POST", "/consumers/billing", `{"name":"w2"}`, 200, `*`))
	const w2 = "/consumers/billing/instances/w2"
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/topics/blobs", `{}`, 422},
		{"POST", "/topics/blobs", ``, 400},
		{"POST", "/topics/blobs", `{"records":[{"key":"a"}]}`, 400},
		{"POST", "/topics/blobs", `{"records":[{"value":1,"vlaue":1}]}`, 400},
		{"POST", "/topics/blobs?async=x", `{"records":[{"value":1}]}`, 400},
		{"POST", "/topics/orders/partitions/x", `{"records":[{"value":1}]}`, 400},
		{"GET", "/topics/nope", ``, 404},
		{"GET", "/topics/orders/partitions/9", ``, 404},
		{"POST", "/consumers/billing", `{"name":"w1"}`, 409},
		{"POST", "/consumers/billing", `{"format":"foo"}`, 422},
		{"POST", "/consumers/billing", `{"auto.offset.reset":"foo"}`, 422},
		{"POST", "/consumers/billing", `{"isolation.level":"foo"}`, 422},
		{"POST", "/consumers/billing", `{"enable.auto.commit":"foo"}`, 400},
		{"POST", "/consumers/billing", `{"foo":"bar"}`, 400},
		{"GET", w2 + "/records", ``, 500},
		{"POST", w2 + "/subscription", `{}`, 422},
		{"POST", w2 + "/subscription", `{"topics":["blobs"],"topic_pattern":"b"}`, 409},
		{"POST", w2 + "/positions/beginning", `{"partitions":[{"topic":"blobs","partition":0}]}`, 404},
		{"POST", resttest.W1 + "/positions/beginning", `{"partitions":[{"topic":"orders","partition":0}]}`, 404},
		{"GET", "/consumers/billing/instances/nobody/records", ``, 404},
	} {
		answer, text := s.Ask(c.method, c.path, c.body, "Content-Type", resttest.AsJSON)
		resttest.WantFailure(t, c.method+" "+c.path+" "+c.body, answer, text, c.status, c.status, "")
	}
	answer, text := s.Ask("POST", "/topics/blobs", `{}`, "Content-Type", "text/plain")
	resttest.WantFailure(t, "text/plain", answer, text, 400, 400, "text/plain")
	answer, text = s.Ask("GET", resttest.W1+"/records", ``, "Accept", "application/vnd.kafka.json.v2+json")
	resttest.WantFailure(t, "another format", answer, text, 406, 406, "")
}

func TestRecordsHaveTheirResultsAsStrimzisBridgeHasThem(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{V2Answers: exchange.V2Answers{BridgeAnswers: true}})
	for _, c := range []struct{ path, body, want string }{
		{"/topics/orders", `{"records":[{"value":1,"partition":1},{"value":2,"partition":7}]}`, `{"offsets":[{"partition":1,"offset":0},{"error_code":404,"message":"rejected: it has no partition 7"}]}`},
		{"/topics/nope", `{"records":[{"value":1}]}`, `{"offsets":[{"error_code":404,"message":"rejected: it does not exist and the brokers do not create topics"}]}`},
		{"/topics/orders/partitions/9", `{"records":[{"value":1}]}`, `{"offsets":[{"error_code":404,"message":"rejected: it has no partition 9"}]}`},
		{"/topics/orders", `{"records":[{"value":1,"timestamp":95000000000000}]}`, `{"offsets":[{"error_code":422,"message":"rejected: timestamp 95000000000000 is more than 1h0m0s in the future"}]}`},
	} {
		if answer, text := s.Ask("POST", c.path, c.body, "Content-Type", resttest.AsJSON); answer.StatusCode != 200 || text != c.want {
			t.Errorf("%s %s: %d %s, want %s", c.path, c.body, answer.StatusCode, text, c.want)
		}
	}
	s.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":1}]}`, "Content-Type", resttest.AsJSON)
	if want := `{"offsets":[{"error_code":403,"message":"rejected: Broker: Topic authorization failed"}]}`; answer.StatusCode != 200 || text != want {
		t.Errorf("denied: %d %s", answer.StatusCode, text)
	}
}

func TestASubscriptionHasPartitionsAsStrimzisBridgeHasThem(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{V2Answers: exchange.V2Answers{BridgeAnswers: true}})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=20000"), 0)
	s.Talk(resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":["blobs"],"partitions":[{"blobs":[0]}]}`))
}
