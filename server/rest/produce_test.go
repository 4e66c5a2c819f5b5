package rest

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
)

const (
	asJSON   = "application/vnd.kafka.json.v2+json"
	asBinary = "application/vnd.kafka.binary.v2+json"
)

// tail ends every answer of a produce.
const tail = `,"key_schema_id":null,"value_schema_id":null}`

func TestProducedRecordsAreInKafkaAsTheyWereGiven(t *testing.T) {
	s := start(t, Options{})
	for _, produced := range []struct{ kind, body string }{
		{asJSON, ` {"records" : [ {"key":"c-17", "value": {"sku" : 9, "n": 1e400}}, {"value":null}, {} ]} `},
		{"application/json; charset=utf-8", `{"records":[{"key":null,"value":"\u0041\"é"}],"value_schema_id":3}`},
		{asBinary, `{"records":[{"key":"aWQtMQ==","value":"AAEC","timestamp":1790000000000,"partition":0,
			"headers":[{"key":"trace","value":"YWJj"},{"key":"trace","value":null},{"key":"","value":""}]}]}`},
		{"application/vnd.kafka.v2+json", `{"records":[{"value":"","headers":null,"partition":null,"timestamp":null},{"value":"\u0041\u0041=="}]}`},
		{"", `{"records":[{"value":"/w=="}]}`},
	} {
		answer, text := s.ask("POST", "/topics/blobs", produced.body, "Content-Type", produced.kind)
		if answer.StatusCode != 200 || strings.Contains(text, "retry") || answer.Header.Get("Content-Type") != v2Type {
			t.Fatalf("%s: %d %v %s", produced.body, answer.StatusCode, answer.Header, text)
		}
	}
	type record struct {
		Key, Value string
		Nulls      string
		Headers    []kgo.RecordHeader
	}
	var got []record
	records := s.read("blobs", 8)
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
	s := start(t, Options{})
	for _, c := range []struct{ path, body, want string }{
		{
			"/topics/blobs", `{"records":[{"value":1},{"value":2}]}`,
			`{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},{"partition":0,"offset":1,"error_code":null,"error":null}]` + tail,
		},
		{
			"/topics/orders/partitions/2", `{"records":[{"value":1},{"value":2,"partition":2}]}`,
			`{"offsets":[{"partition":2,"offset":0,"error_code":null,"error":null},{"partition":2,"offset":1,"error_code":null,"error":null}]` + tail,
		},
		{
			"/topics/orders/?async=false", `{"records":[{"value":1,"partition":1},{"value":2,"partition":7},{"value":3,"partition":0}]}`,
			`{"offsets":[{"partition":1,"offset":0,"error_code":null,"error":null},` +
				`{"partition":null,"offset":null,"error_code":50002,"error":"rejected: it has no partition 7"},` +
				`{"partition":0,"offset":0,"error_code":null,"error":null}]` + tail,
		},
	} {
		answer, text := s.ask("POST", c.path, c.body, "Content-Type", asJSON)
		if answer.StatusCode != 200 {
			t.Errorf("%s: %d", c.path, answer.StatusCode)
		}
		if diff := cmp.Diff(c.want, text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
	}
}

func TestAsyncIsAnsweredAtOnceAndIsInKafkaSoon(t *testing.T) {
	s := start(t, Options{})
	for path, body := range map[string]string{
		"/topics/blobs": `{"records":[{"value":2},{"value":2}]}`, "/topics/blobs/partitions/0": `{"records":[{"value":2}]}`,
	} {
		answer, text := s.ask("POST", path+"?async=true", body, "Content-Type", asJSON)
		if answer.StatusCode != 204 || text != "" {
			t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
	if got := s.read("blobs", 3); string(got[2].Value) != "2" {
		t.Errorf("%q", got[1].Value)
	}
}

func TestAProduceIsNotWaitedForLongerThanItMay(t *testing.T) {
	s := start(t, Options{AckTimeout: 1})
	answer, text := s.ask("POST", "/topics/blobs", `{"records":[{"value":1},{"value":2}]}`, "Content-Type", asJSON)
	entry := `{"partition":null,"offset":null,"error_code":50003,"error":"unknown: the brokers did not answer within 1ns"}`
	if want := `{"offsets":[` + entry + `,` + entry + `]` + tail; answer.StatusCode != 200 || text != want {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	s.read("blobs", 2) // they were sent all the same
}

func TestWhatTheBrokersDoNotAllowIsRefusedWhole(t *testing.T) {
	s := start(t, Options{})
	s.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	answer, text := s.ask("POST", "/topics/blobs", `{"records":[{"value":1},{"value":2}]}`, "Content-Type", asJSON)
	wantFailure(t, "v2", answer, text, 403, 40301, "authorization")
	answer, text = s.ask("POST", "/topics/orders/partitions/0", `{"records":[{"value":1}]}`, "Content-Type", asJSON)
	wantFailure(t, "one partition", answer, text, 403, 40301, "authorization")
	answer, text = s.ask("POST", "/v1/topics/blobs/records", "raw")
	wantFailure(t, "one record", answer, text, 403, 40301, "authorization")
}

func TestTimestampsOfTheFarFutureAreRejectedAlone(t *testing.T) {
	s := start(t, Options{})
	far := time.Now().Add(2 * time.Hour).UnixMilli()
	body := fmt.Sprintf(`{"records":[{"value":1},{"value":2,"timestamp":%d},{"value":3,"timestamp":%d}]}`, far, far-int64(90*time.Minute/time.Millisecond))
	answer, text := s.ask("POST", "/topics/blobs", body, "Content-Type", asJSON)
	want := fmt.Sprintf(`{"partition":null,"offset":null,"error_code":50002,"error":"rejected: timestamp %d is more than 1h0m0s in the future"}`, far)
	if answer.StatusCode != 200 || !strings.Contains(text, want) || strings.Count(text, `"error":null`) != 2 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text = s.ask("POST", fmt.Sprintf("/v1/topics/blobs/records?timestamp=%d", far), "raw")
	wantFailure(t, "alone", answer, text, 422, 50002, "future")
}
