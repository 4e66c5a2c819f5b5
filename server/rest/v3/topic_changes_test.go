package v3_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// mustAsk changes something, and returns the answer's body.
func mustAsk(s *resttest.Sluice, method, path, body string, status int) string {
	s.T.Helper()
	answer, text := s.Ask(method, s.V3()+path, body)
	if answer.StatusCode != status {
		s.T.Fatalf("%s %s %s: %d %s", method, path, body, answer.StatusCode, text)
	}
	if self := "http://" + s.Addr + s.V3() + path + "/fresh"; status == 201 && answer.Header.Get("Location") != self {
		s.T.Errorf("Location: %s", answer.Header.Get("Location"))
	}
	return text
}

// config returns a setting of the topic fresh, and whether it is the default.
func config(s *resttest.Sluice, name string) string {
	s.T.Helper()
	var c struct {
		Value   string
		Default bool `json:"is_default"`
	}
	if err := json.Unmarshal([]byte(get(s, s.V3()+"/topics/fresh/configs/"+name)), &c); err != nil {
		s.T.Fatal(err)
	}
	return fmt.Sprintf("%s %t", c.Value, c.Default)
}

func TestATopicIsCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{DeleteTopics: true})
	produce := func(status int) {
		t.Helper()
		if answer, text := s.Ask("POST", "/v1/topics/fresh/records?partition=0", "x"); answer.StatusCode != status {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	}
	produce(404) // it is refused for seconds, unless somebody creates it here
	created := mustAsk(s, "POST", "/topics", `{"topic_name":"fresh","partitions_count":2,"replication_factor":1,
		"configs":[{"name":"retention.ms","value":60000},{"name":"cleanup.policy","value":null}]}`, 201)
	produce(200)
	if shown := mustAsk(s, "GET", "/topics/fresh", "", 200); shown != created || !strings.Contains(created, `"replication_factor":1,"partitions_count":2,`) {
		t.Errorf("%s\nand then\n%s", created, shown)
	}
	for _, change := range []struct{ method, path, body, name, is string }{
		{"PUT", "/topics/fresh/configs/retention.ms", `{"value":"70000"}`, "retention.ms", "70000 false"},
		{"DELETE", "/topics/fresh/configs/retention.ms", ``, "retention.ms", "604800000 true"},
		{"POST", "/topics/fresh/configs:alter", `{"data":[{"name":"retention.ms","value":"80000"},{"name":"cleanup.policy","value":"compact","operation":"SET"}]}`, "cleanup.policy", "compact false"},
		{"POST", "/topics/fresh/configs:alter", `{"data":[{"name":"retention.ms","value":"90000"}],"validate_only":true}`, "retention.ms", "80000 false"},
		{"POST", "/topics/fresh/configs:alter", `{"data":[{"name":"retention.ms","operation":"DELETE"},{"name":"cleanup.policy","value":null}]}`, "cleanup.policy", "delete true"},
	} {
		mustAsk(s, change.method, change.path, change.body, 204)
		if now := config(s, change.name); now != change.is {
			t.Errorf("%s: %s is %s, want %s", change.body, change.name, now, change.is)
		}
	}
	if grown := mustAsk(s, "PATCH", "/topics/fresh", `{"partitions_count":4}`, 200); !strings.Contains(grown, `"partitions_count":4,`) {
		t.Error(grown)
	}
	mustAsk(s, "DELETE", "/topics/fresh", "", 204)
	mustAsk(s, "GET", "/topics/fresh", "", 404)
	produce(404)
}

// Nothing is there after a topic was only validated, and the brokers choose what nobody asks for.
func TestATopicIsValidated(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	body := mustAsk(s, "POST", "/topics", `{"topic_name":"fresh","partitions_count":2,"validate_only":true}`, 200)
	if !strings.Contains(body, `"topic_name":"fresh","is_internal":false,"replication_factor":0,"partitions_count":2,`) {
		t.Error(body)
	}
	mustAsk(s, "GET", "/topics/fresh", "", 404)
	if body = mustAsk(s, "POST", "/topics", `{"topic_name":"fresh","configs":null}`, 201); strings.Contains(body, `_count":0`) {
		t.Error(body)
	}
}

func TestChangesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	alter, long := "/topics/orders/configs:alter", strings.Repeat("x", 20_000)
	for _, c := range []struct {
		method, path, body string
		status, code       int
		message            string
	}{
		{"POST", "/topics", `{"topic_name":"orders"}`, 400, 40002, "the brokers refuse it: Broker: Topic already exists"},
		{"POST", "/topics", `{"topic_name":"fresh","replication_factor":9}`, 400, 40002, "the brokers refuse it"},
		{"POST", "/topics", `{"topic_name":"fresh","partitions_count":2000000000}`, 400, 40002, "num_partitions out of expected range"},
		{"POST", "/topics", `{"topic_name":"fresh","partitions_count":0}`, 400, 40002, `"partitions_count" must be at least 1`},
		{"POST", "/topics", `{"topic_name":"a b"}`, 400, 40002, `"a b" is no name for a topic`},
		{"POST", "/topics", `{"topic_name":"fresh","configs":[{"name":"a","value":1},{"name":"a","value":2}]}`, 400, 40002, `a is in "configs" twice`},
		{"POST", "/topics", `{"topic_name":"__consumer_offsets"}`, 403, 40301, "it is Kafka's own"},
		{"POST", "/topics", `{"topic_name":"fresh"`, 400, 400, "invalid JSON"},
		{"POST", "/topics", ``, 400, 400, "invalid JSON"},
		{"POST", "/topics", `[]`, 422, 42206, "the body is not an object"},
		{"POST", "/topics", `{}`, 422, 42206, `"topic_name" is missing`},
		{"POST", "/topics", `{"topic_name":7}`, 422, 42206, `"topic_name"`},
		{"POST", "/topics", `{"topic":"fresh"}`, 422, 42206, "Unrecognized field: topic"},
		{"POST", "/topics", `{"topic_name":"fresh","partitions_count":"2"}`, 422, 42206, `"partitions_count" is not a whole number`},
		{"POST", "/topics", `{"topic_name":"fresh","validate_only":"yes"}`, 422, 42206, `"validate_only" is neither true nor false`},
		{"POST", "/topics", `{"topic_name":"fresh","configs":{}}`, 422, 42206, `"configs" is not a list`},
		{"POST", "/topics", `{"topic_name":"fresh","configs":[{"value":1}]}`, 422, 42206, `has no "name"`},
		{"POST", "/topics", `{"topic_name":"fresh","configs":[{"name":"a\u0000","value":1}]}`, 422, 42206, `"name" has a character of value 0`},
		{"POST", "/topics", `{"topic_name":"fresh","configs":[{"name":"a","value":"\ud800"}]}`, 422, 42206, "half of a surrogate pair"},
		{"POST", "/topics", `{"topic_name":"fresh","configs":[{"name":"a","value":"` + long + `"}]}`, 413, 413, "16384 bytes"},
		{"PATCH", "/topics/orders", `{"partitions_count":2}`, 400, 40002, "the brokers refuse it"},
		{"PATCH", "/topics/orders", `{}`, 422, 42206, `"partitions_count" is missing`},
		{"PATCH", "/topics/nope", `{"partitions_count":2}`, 404, 40403, "does not host"},
		{"PATCH", "/topics/a%20b", `{"partitions_count":2}`, 404, 40403, "does not host"},
		{"PUT", "/topics/orders/configs/retention.ms", `{"value":null}`, 422, 42206, `"value" is missing: DELETE takes`},
		{"PUT", "/topics/orders/configs/retention.ms", `{"value":{}}`, 422, 42206, `"value"`},
		{"PUT", "/topics/orders/configs/no.such", `{"value":"1"}`, 404, 404, "Config no.such cannot be found."},
		{"PUT", "/topics/nope/configs/retention.ms", `{"value":"1"}`, 404, 40403, "does not host"},
		{"DELETE", "/topics/orders/configs/no.such", ``, 404, 404, "Config no.such cannot be found."},
		{"DELETE", "/topics/nope/configs/retention.ms", ``, 404, 40403, "does not host"},
		{"POST", alter, `{"data":[]}`, 422, 42206, `"data" has no setting`},
		{"POST", alter, `{"data":[{"name":"retention.ms","operation":"APPEND"}]}`, 422, 42206, "neither SET nor DELETE"},
		{"POST", alter, `{"data":[{"name":"retention.ms"},{"name":"retention.ms"}]}`, 400, 40002, `retention.ms is in "data" twice`},
		{"POST", alter, `{"data":[{"name":"no.such","value":"1"}]}`, 404, 404, "Config no.such cannot be found."},
		{"DELETE", "/topics/orders", ``, 403, 403, "http.delete_topics is false"},
		{"DELETE", "/topics/a%20b", ``, 404, 40403, "does not host"},
	} {
		answer, text := s.Ask(c.method, s.V3()+c.path, c.body, "Content-Type", exchange.JSONType)
		resttest.WantFailure(t, c.method+" "+c.path+" "+exchange.Shortened(c.body), answer, text, c.status, c.code, c.message)
	}
	if answer, text := s.Ask("POST", "/v3/clusters/other/topics", `{}`); answer.StatusCode != 404 || !strings.Contains(text, "Cluster other") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text := s.Ask("POST", s.V3()+"/topics", `{}`, "Content-Type", "text/plain")
	resttest.WantFailure(t, "text/plain", answer, text, 415, 415, "version 3 takes application/json")
	mustAsk(s, "GET", "/topics/fresh", "", 404)
}

// Every change is answered for what the brokers say of it.
func TestWhatBrokersSayOfChanges(t *testing.T) {
	t.Parallel()
	for _, said := range []struct {
		fault        *kerr.Error
		status, code int
	}{{kerr.TopicAuthorizationFailed, 403, 40301}, {kerr.PolicyViolation, 400, 40002}, {kerr.ThrottlingQuotaExceeded, 503, 50003}, {kerr.RequestTimedOut, 504, 50003}} {
		s := resttest.Start(t, exchange.Options{DeleteTopics: true})
		s.Cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.DeleteTopics, kmsg.IncrementalAlterConfigs}, Err: said.fault, Count: -1,
		})
		for _, c := range []struct{ method, path, body string }{
			{"POST", "/topics", `{"topic_name":"fresh"}`},
			{"PATCH", "/topics/orders", `{"partitions_count":4}`},
			{"PUT", "/topics/orders/configs/retention.ms", `{"value":"1000"}`},
			{"DELETE", "/topics/orders/configs/retention.ms", ``},
			{"POST", "/topics/orders/configs:alter", `{"data":[{"name":"retention.ms","value":"1000"}]}`},
			{"DELETE", "/topics/orders", ``},
		} {
			answer, text := s.Ask(c.method, s.V3()+c.path, c.body)
			resttest.WantFailure(t, c.method+" "+c.path, answer, text, said.status, said.code, "")
			if unknown := strings.Contains(text, `"outcome":"unknown"`); unknown != (said.status == 504) {
				t.Error(text)
			}
		}
	}
}

func TestNothingIsChangedWhileTheDoorDrains(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+s.V3()+"/topics", strings.NewReader(`{"topic_name":"fresh"}`))
	if n := s.Door.Drain(resttest.Within(t, resttest.Patience)); n != 0 {
		t.Errorf("%d connections were cut", n)
	}
	w := httptest.NewRecorder()
	s.Door.ServeHTTP(w, r)
	if w.Code != 503 || !strings.Contains(w.Body.String(), "stopping") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
