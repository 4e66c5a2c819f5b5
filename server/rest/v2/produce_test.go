package v2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// tail ends every answer of a produce.
const tail = `,"key_schema_id":null,"value_schema_id":null}`

func TestProducedRecordsAreInKafkaAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, produced := range []struct{ kind, body string }{
		{resttest.AsJSON, ` {"records" : [ {"key":"c-17", "value": {"sku" : 9, "n": 1e400}}, {"value":null}, {} ]} `},
		{"application/json; charset=utf-8", `{"records":[{"key":null,"value":"\u0041\"é"}],"value_schema_id":3}`},
		{resttest.AsBinary, `{"records":[{"key":"aWQtMQ==","value":"AAEC","timestamp":1790000000000,"partition":0,
			"headers":[{"key":"trace","value":"YWJj"},{"key":"trace","value":null},{"key":"","value":""}]}]}`},
		{"application/vnd.kafka.v2+json", `{"records":[{"value":"","headers":null,"partition":null,"timestamp":null},{"value":"\u0041\u0041=="}]}`},
		{"", `{"records":[{"value":"/w=="}]}`},
		{resttest.AsText, `{"records":[{"key":"c-\u0031","value":"say \"é\"\n","headers":[{"key":"trace","value":"YWJj"}]},{"value":"/w==","value_encoding":"base64"},{"value":null}]}`},
	} {
		answer, text := s.Ask("POST", "/topics/blobs", produced.body, "Content-Type", produced.kind)
		if answer.StatusCode != 200 || strings.Contains(text, "retry") || answer.Header.Get("Content-Type") != exchange.V2Type {
			t.Fatalf("%s: %d %v %s", produced.body, answer.StatusCode, answer.Header, text)
		}
	}
	type record struct {
		Key, Value string
		Nulls      string
		Headers    []kgo.RecordHeader
	}
	var got []record
	records := s.Read("blobs", 11)
	for _, r := range records {
		nulls := ""
		if r.Key == nil {
			nulls += "k"
		}
		if r.Value == nil {
			nulls += "v"
		}
		got = append(got, record{string(r.Key), string(r.Value), nulls, r.Headers})
	}
	want := []record{
		{Key: `"c-17"`, Value: `{"sku" : 9, "n": 1e400}`},
		{Nulls: "kv"},
		{Nulls: "kv"},
		{Value: `"\u0041\"é"`, Nulls: "k"},
		{Key: "id-1", Value: "\x00\x01\x02", Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("abc")}, {Key: "trace"}, {Value: []byte{}}}},
		{Nulls: "k"},
		{Value: "\x00", Nulls: "k"},
		{Value: "\xff", Nulls: "k"},
		{Key: "c-1", Value: "say \"é\"\n", Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("abc")}}},
		{Value: "\xff", Nulls: "k"},
		{Nulls: "kv"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at := records[4].Timestamp.UnixMilli(); at != 1790000000000 {
		t.Errorf("timestamp %d", at)
	}
	if records[5].Value == nil {
		t.Error("an empty value has become null")
	}
}

func TestEveryRecordHasItsResult(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, c := range []struct{ path, body, want string }{
		{
			"/topics/blobs", `{"records":[{"value":1},{"value":2}]}`,
			`{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},{"partition":0,"offset":1,"error_code":null,"error":null}]` + tail,
		},
		{
			"/topics/orders/partitions/2", `{"records":[{"value":1},{"value":2,"partition":null}]}`,
			`{"offsets":[{"partition":2,"offset":0,"error_code":null,"error":null},{"partition":2,"offset":1,"error_code":null,"error":null}]` + tail,
		},
		{
			"/topics/orders/?async=false", `{"records":[{"value":1,"partition":1},{"value":2,"partition":7},{"value":3,"partition":0}]}`,
			`{"offsets":[{"partition":1,"offset":0,"error_code":null,"error":null},` +
				`{"partition":null,"offset":null,"error_code":50002,"error":"rejected: it has no partition 7"},` +
				`{"partition":0,"offset":0,"error_code":null,"error":null}]` + tail,
		},
	} {
		answer, text := s.Ask("POST", c.path, c.body, "Content-Type", resttest.AsJSON)
		if answer.StatusCode != 200 {
			t.Errorf("%s: %d", c.path, answer.StatusCode)
		}
		if diff := cmp.Diff(c.want, text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
	}
}

func TestAsyncIsAnsweredAtOnceAndIsInKafkaSoon(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for path, body := range map[string]string{
		"/topics/blobs": `{"records":[{"value":2},{"value":2}]}`, "/topics/blobs/partitions/0": `{"records":[{"value":2}]}`,
	} {
		answer, text := s.Ask("POST", path+"?async=true", body, "Content-Type", resttest.AsJSON)
		if answer.StatusCode != 204 || text != "" {
			t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
	if got := s.Read("blobs", 3); string(got[2].Value) != "2" {
		t.Errorf("%q", got[1].Value)
	}
}

func TestAProduceIsNotWaitedForLongerThanItMay(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	if answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":0}]}`, "Content-Type", resttest.AsJSON); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	s.Door.Reconfigure(exchange.Options{Timeouts: exchange.Timeouts{AckTimeout: 1}})
	answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":1},{"value":2}]}`, "Content-Type", resttest.AsJSON)
	entry := `{"partition":null,"offset":null,"error_code":50003,"error":"unknown: no answer of the brokers within 1ns"}`
	if want := `{"offsets":[` + entry + `,` + entry + `]` + tail; answer.StatusCode != 200 || text != want {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	s.Read("blobs", 3) // they were sent all the same
}

func TestWhatTheBrokersDoNotAllowIsRefusedWhole(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":1},{"value":2}]}`, "Content-Type", resttest.AsJSON)
	resttest.WantFailure(t, "v2", answer, text, 403, 40301, "authorization")
	entry := `{"partition":null,"offset":null,"error_code":40301,"error":"rejected: Broker: Topic authorization failed"}`
	if want := `,"offsets":[` + entry + `,` + entry + `]` + tail; !strings.HasSuffix(text, want) {
		t.Errorf("%s does not end with %s", text, want)
	}
	answer, text = s.Ask("POST", "/topics/orders/partitions/0", `{"records":[{"value":1}]}`, "Content-Type", resttest.AsJSON)
	resttest.WantFailure(t, "one partition", answer, text, 403, 40301, "authorization")
	answer, text = s.Ask("POST", "/v1/topics/blobs/records", "raw")
	resttest.WantFailure(t, "one record", answer, text, 403, 40301, "authorization")
}

func TestTimestampsOfTheFarFutureAreRejectedAlone(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	far := time.Now().Add(2 * time.Hour).UnixMilli()
	body := fmt.Sprintf(`{"records":[{"value":1},{"value":2,"timestamp":%d},{"value":3,"timestamp":%d}]}`, far, far-int64(90*time.Minute/time.Millisecond))
	answer, text := s.Ask("POST", "/topics/blobs", body, "Content-Type", resttest.AsJSON)
	want := fmt.Sprintf(`{"partition":null,"offset":null,"error_code":50002,"error":"rejected: timestamp %d is more than 1h0m0s in the future"}`, far)
	if answer.StatusCode != 200 || !strings.Contains(text, want) || strings.Count(text, `"error":null`) != 2 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text = s.Ask("POST", fmt.Sprintf("/v1/topics/blobs/records?timestamp=%d", far), "raw")
	resttest.WantFailure(t, "alone", answer, text, 422, 50002, "future")
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 300, MaxRecords: 3}})
	for _, c := range []struct {
		path, kind, body string
		status, code     int
		message          string
	}{
		{"/topics/blobs", resttest.AsJSON, ``, 422, 422, "the body is empty"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1}`, 400, 400, "byte 23"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":01}]}`, 400, 400, "byte 22"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1}]} x`, 400, 400, "nothing more"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":"` + "\xff" + `"}]}`, 400, 400, "UTF-8"},
		{"/topics/blobs", resttest.AsJSON, `[]`, 422, 422, "records"},
		{"/topics/blobs", resttest.AsJSON, `{}`, 422, 422, "records"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[]}`, 422, 422, "records"},
		{"/topics/blobs", resttest.AsJSON, `{"records":null}`, 422, 422, "records"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[1]}`, 422, 422, "object"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"vlaue":1}]}`, 422, 422, "vlaue"},
		{"/topics/blobs", resttest.AsJSON, `{"record":[]}`, 422, 422, "record"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"partition":-1}]}`, 422, 422, "partition"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"partition":"0"}]}`, 422, 422, "partition"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"timestamp":1.5}]}`, 422, 422, "timestamp"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"headers":{}}]}`, 422, 422, "headers"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"headers":[{"value":"YQ=="}]}]}`, 422, 422, "key"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":1,"headers":[{"key":"a","value":"?"}]}]}`, 422, 422, "base64"},
		{"/topics/blobs", resttest.AsBinary, `{"records":[{"value":"a"}]}`, 422, 422, "base64"},
		{"/topics/blobs", resttest.AsBinary, `{"records":[{"value":{}}]}`, 422, 422, "base64"},
		{"/topics/blobs", resttest.AsText, `{"records":[{"value":1}]}`, 422, 422, `"value" is not a string`},
		{"/topics/blobs", resttest.AsText, `{"records":[{"key":{},"value":"a"}]}`, 422, 422, `"key" is not a string`},
		{"/topics/blobs", resttest.AsText, `{"records":[{"value":"\ud800"}]}`, 422, 422, "half of a surrogate pair"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{},{},{},{}]}`, 413, 413, "3 records"},
		{"/topics/blobs", resttest.AsJSON, `{"records":[{"value":"` + strings.Repeat("x", 300) + `"}]}`, 413, 413, "300 bytes"},
		{"/topics/blobs", "application/vnd.kafka.avro.v2+json", `{}`, 415, 415, "takes application/vnd.kafka.json.v2+json"},
		{"/topics/blobs", "text/plain", `{}`, 415, 415, "text/plain"},
		{"/topics/blobs?async=1", resttest.AsJSON, `{"records":[{"value":1}]}`, 422, 422, "async"},
		{"/topics/nope", resttest.AsJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/nope?async=true", resttest.AsJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/a%2Fb", resttest.AsJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/orders/partitions/3", resttest.AsJSON, `{"records":[{"value":1}]}`, 404, 40402, "Partition not found."},
		{"/topics/orders/partitions/x", resttest.AsJSON, `{"records":[{"value":1}]}`, 404, 404, "Not Found"},
		{"/topics/orders/partitions/0", resttest.AsJSON, `{"records":[{"value":1,"partition":1}]}`, 422, 422, "path"},
		{"/topics/orders/partitions/0", resttest.AsJSON, `{"records":[{"value":1,"partition":0}]}`, 422, 422, "path"},
	} {
		answer, text := s.Ask("POST", c.path, c.body, "Content-Type", c.kind)
		resttest.WantFailure(t, c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	answer, text := s.Ask("POST", "/topics/blobs", "x", "Content-Type", resttest.AsJSON, "Content-Encoding", "br")
	resttest.WantFailure(t, "br", answer, text, 415, 415, "br")
	if n := s.Door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}
