package v1_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestARawBodyIsARecord(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	answer, text := s.Ask("POST", "/v1/topics/orders/records?key=42&partition=2&timestamp=1790000000000", "\x00\xff\n",
		"Content-Type", "image/jpeg", "X-Kafka-Header-Trace", "abc", "X-Kafka-Header-a", "2", "X-Kafka-Header-A", "1", "Idempotency-Key", "k1")
	if want := `{"topic":"orders","partition":2,"offset":0,"timestamp":1790000000000}`; answer.StatusCode != 200 || text != want {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	r := s.Read("orders", 1)[0]
	headers := []kgo.RecordHeader{
		{Key: "a", Value: []byte("2")}, {Key: "a", Value: []byte("1")}, {Key: "idempotency-key", Value: []byte("k1")}, {Key: "trace", Value: []byte("abc")},
	}
	if string(r.Key) != "42" || string(r.Value) != "\x00\xff\n" || r.Timestamp.UnixMilli() != 1790000000000 || !cmp.Equal(r.Headers, headers) {
		t.Errorf("%+v", r)
	}
}

func TestEmptyAndNoKeysAndValues(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, query := range []string{"?key=", "?tombstone=true&key=a", "", "?async=true"} {
		if answer, text := s.Ask("POST", "/v1/topics/blobs/records"+query, ""); answer.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", query, answer.StatusCode, text)
		}
	}
	got := s.Read("blobs", 4)
	if got[0].Key == nil || got[0].Value == nil || got[1].Value != nil || got[2].Key != nil || got[2].Value == nil {
		t.Errorf("%+v", got)
	}
}

func TestRawRecordsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 100}})
	for _, c := range []struct {
		path, body   string
		status, code int
		message      string
	}{
		{"/v1/topics/nope/records", "x", 404, 40401, "Topic not found."},
		{"/v1/topics/orders/records?partition=3", "x", 404, 40402, "Partition not found."},
		{"/v1/topics/orders/records?partition=-1", "x", 422, 422, "partition"},
		{"/v1/topics/orders/records?kee=1", "x", 422, 422, `unknown parameter "kee"`},
		{"/v1/topics/orders/records?key=1&key=2", "x", 422, 422, "more than once"},
		{"/v1/topics/orders/records?key=%zz", "x", 422, 422, "not well formed"},
		{"/v1/topics/orders/records?tombstone=true", "x", 422, 422, "tombstone"},
		{"/v1/topics/orders/records?async=yes", "x", 422, 422, "async"},
		{"/v1/topics/orders/records?timestamp=yesterday", "x", 422, 422, "timestamp"},
		{"/v1/topics/orders/records", strings.Repeat("x", 101), 413, 413, "100 bytes"},
	} {
		answer, text := s.Ask("POST", c.path, c.body)
		resttest.WantFailure(t, c.path, answer, text, c.status, c.code, c.message)
		if answer.Header.Get("Content-Type") != exchange.JSONType {
			t.Errorf("%s: %v", c.path, answer.Header)
		}
	}
	if answer, text := s.Ask("POST", "/v1/topics/blobs/records", "known"); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	s.Door.Reconfigure(exchange.Options{Timeouts: exchange.Timeouts{AckTimeout: 1}})
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", "x")
	resttest.WantFailure(t, "late", answer, text, 504, 50003, "unknown: no answer of the brokers within 1ns")
	if !strings.Contains(text, `"outcome":"unknown"`) {
		t.Error(text)
	}
}

func TestLinesAreRecordsAndEachHasItsResult(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 100_000}})
	body := `{"key":1,"value":{"a":1}}` + "\r\n\n" + `{"value":1,"partition":5}` + "\n" + `{"value":}` + "\n" +
		`{"value":"` + strings.Repeat("x", 90_000) + `"}` + "\n" + `{"value":null,"headers":[{"key":"h","value":"YQ=="}]}`
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", body, "Content-Type", "application/x-ndjson; charset=utf-8")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != exchange.NDJSONType {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	var got []string
	for line := range strings.Lines(text) {
		var r struct {
			Line    int64  `json:"line"`
			Offset  *int64 `json:"offset"`
			Code    int    `json:"error_code"`
			Outcome string `json:"outcome"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		offset := int64(-1)
		if r.Offset != nil {
			offset = *r.Offset
		}
		got = append(got, fmt.Sprintf("%d: %d %d %s", r.Line, offset, r.Code, r.Outcome))
	}
	want := []string{"1: 0 0 ", "3: -1 50002 rejected", "4: -1 400 ", "5: 1 0 ", "6: 2 0 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	records := s.Read("blobs", 3)
	if string(records[0].Key) != "1" || len(records[1].Value) != 90_002 || records[2].Value != nil || len(records[2].Headers) != 1 {
		t.Errorf("%v", records)
	}
	if now := s.Door.Stats(); now.Held != 0 {
		t.Errorf("%d bytes are still held", now.Held)
	}
}

func TestFormatsOfLines(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, c := range []struct{ query, line, key, value string }{
		{"", `{"key":"k","value":"v"}`, `"k"`, `"v"`},
		{"?format=text", `{"key":"k\u0041","value":"v"}`, `kA`, `v`},
		{"?format=binary", `{"key":"aw==","value":"dg=="}`, `k`, `v`},
	} {
		answer, text := s.Ask("POST", "/v1/topics/blobs/records"+c.query, c.line, "Content-Type", exchange.NDJSONType)
		if answer.StatusCode != 200 || !strings.Contains(text, `"offset"`) {
			t.Fatalf("%s: %d %s", c.query, answer.StatusCode, text)
		}
	}
	for i, r := range s.Read("blobs", 3) {
		want := [...]string{`"k" "v"`, "kA v", "k v"}[i]
		if got := string(r.Key) + " " + string(r.Value); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for path, body := range map[string]string{"?format=avro": "{}", "?key=1": "{}"} {
		answer, text := s.Ask("POST", "/v1/topics/blobs/records"+path, body, "Content-Type", exchange.NDJSONType)
		resttest.WantFailure(t, path, answer, text, 422, 422, "")
	}
	answer, text := s.Ask("POST", "/v1/topics/blobs/records?format=text", `{"value":1}`, "Content-Type", exchange.NDJSONType)
	if answer.StatusCode != 200 || text != `{"line":1,"error_code":422,"message":"\"value\" is not a string"}`+"\n" {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

// upload is a request whose body is still being written.
type upload struct {
	body   io.WriteCloser
	answer *json.Decoder
}

func startUpload(s *resttest.Sluice) *upload {
	conn, in := s.Dial()
	s.Write(conn, "POST /v1/topics/blobs/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", exchange.NDJSONType)
	body := httputil.NewChunkedWriter(conn)
	// The answer begins with the first result.
	if _, err := io.WriteString(body, `{"value":0}`+"\n"); err != nil {
		s.T.Fatal(err)
	}
	answer, err := s.Said(in)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() {
		conn.Close() // Close of the body would wait for its end
		answer.Body.Close()
	})
	return &upload{body, json.NewDecoder(answer.Body)}
}

type lineResult struct {
	Line    int64  `json:"line"`
	Offset  int64  `json:"offset"`
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func result(s *resttest.Sluice, u *upload) (r lineResult) {
	s.T.Helper()
	if err := u.answer.Decode(&r); err != nil {
		s.T.Fatal(err)
	}
	return r
}

func TestResultsComeWhileLinesAreStillWritten(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	u := startUpload(s)
	for i := range int64(3) {
		if r := result(s, u); r.Line != i+1 || r.Offset != i {
			t.Fatalf("%+v", r)
		}
		if _, err := io.WriteString(u.body, `{"value":1}`+"\n"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADrainEndsAStreamAndSaysSo(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	u := startUpload(s)
	result(s, u)
	if n := s.Door.Drain(resttest.Within(t, resttest.Patience)); n != 0 {
		t.Errorf("%d cut", n)
	}
	if r := result(s, u); r.Line != 0 || r.Code != 50003 || !strings.Contains(r.Message, "stopping") {
		t.Errorf("%+v", r)
	}
	if err := u.answer.Decode(&lineResult{}); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestALineThatIsTooLongEndsTheStream(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 70_000}})
	body := `{"value":1}` + "\n" + strings.Repeat("x", 200_000)
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", body, "Content-Type", exchange.NDJSONType)
	if !strings.Contains(text, `"offset":0`) || !strings.HasSuffix(text, `{"error_code":413,"message":"a record has more than 70000 bytes"}`+"\n") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestALongStreamTakesNoMoreMemoryThanAShortOne(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	const n = 20_000
	line := `{"value":"` + strings.Repeat("x", 100) + `"}` + "\n"
	read, write := io.Pipe()
	go func() {
		for range n {
			if _, err := io.WriteString(write, line); err != nil {
				break
			}
		}
		write.Close()
	}()
	r, err := http.NewRequestWithContext(resttest.Within(t, resttest.Patience), http.MethodPost, "http://"+s.Addr+"/v1/topics/blobs/records", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", exchange.NDJSONType)
	answer, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	decoder, most := json.NewDecoder(answer.Body), int64(0)
	for i := range int64(n) {
		var r lineResult
		if err := decoder.Decode(&r); err != nil || r.Line != i+1 || r.Offset != i || r.Code != 0 {
			t.Fatalf("line %d: %+v %v", i+1, r, err)
		}
		if i%1000 == 0 {
			most = max(most, s.Door.Stats().Held)
		}
	}
	if most > 4*produce.ChunkBytes {
		t.Errorf("%d bytes were held", most)
	}
}

func TestLargeRecordsAreBoundTogether(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxHeld: 20_000, MaxBody: 1 << 20}})
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", strings.Repeat("x", 40_000))
	resttest.WantFailure(t, "large", answer, text, 503, 50003, "large requests")
	if n := s.Door.Stats().Held; n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}
