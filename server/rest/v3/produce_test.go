package v3_test

import (
	"encoding/json"
	"errors"
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

func TestVersion3RecordsAreInKafkaAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	body := `{"partition_id":0,"headers":[{"name":"trace","value":"YWJj"},{"name":"trace","value":null}],` +
		`"key":{"type":"BINARY","data":"aWQtMQ=="},"value":{"data":{"sku" : 9},"type":"JSON"},"timestamp":"2026-01-31T23:59:59.25+01:00"}` +
		`{"value":{"type":"STRING","data":"caf\u00e9 }{"}}` + "\n\t " + `{"key":null,"value":null} {"value":{"data":null}}{}`
	answer, text := s.Ask("POST", s.V3()+"/topics/blobs/records", body, "Content-Type", "application/json; charset=utf-8")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != exchange.JSONType {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	place := func(offset int) string {
		return fmt.Sprintf(`{"error_code":200,"cluster_id":"%s","topic_name":"blobs","partition_id":0,"offset":%d,"timestamp":`,
			strings.TrimPrefix(s.V3(), "/v3/clusters/"), offset)
	}
	want := []string{
		place(0) + `"2026-01-31T22:59:59.250Z","key":{"type":"BINARY","size":4},"value":{"type":"JSON","size":11}}`,
		place(1) + `NOW,"value":{"type":"STRING","size":8}}`, place(2) + `NOW}`, place(3) + `NOW}`, place(4) + `NOW}`,
	}
	var got []string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i > 0 { // the time of the test
			from := strings.Index(line, `"timestamp":`) + len(`"timestamp":`)
			line = line[:from] + "NOW" + line[from+len(`"2026-01-31T22:59:59.250Z"`):]
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	records := s.Read("blobs", 5)
	headers := []kgo.RecordHeader{{Key: "trace", Value: []byte("abc")}, {Key: "trace"}}
	first := records[0]
	if string(first.Key) != "id-1" || string(first.Value) != `{"sku" : 9}` || !cmp.Equal(first.Headers, headers) || first.Timestamp.UnixMilli() != 1769900399250 {
		t.Errorf("%+v", first)
	}
	if string(records[1].Value) != "café }{" || records[2].Value != nil || records[3].Value != nil || records[4].Value != nil {
		t.Errorf("%+v", records[1:])
	}
}

func TestEachRecordOfVersion3HasItsOwnEnd(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	good := `{"value":{"type":"JSON","data":1}}`
	for _, c := range []struct {
		body, message string
		code          int
		last          bool // what follows is not read
	}{
		{`{"partition_id":9,"value":{"type":"JSON","data":1}}`, "This server does not host this topic-partition.", 40403, false},
		{`{"partition_id":-1}`, "partition_id", 42206, false},
		{`{"partition":0}`, "Unrecognized field: partition", 42206, false},
		{`{"value":{"type":"AVRO","data":1}}`, "AVRO, which is not supported: BINARY, JSON and STRING are", 42206, false},
		{`{"value":{"type":"` + strings.Repeat("é", 100) + `","data":1}}`, "é..., which is", 42206, false},
		{`{"key":{"type":"JSON","data":1,"schema_id":7}}`, `\"schema_id\" of \"key\" is not supported: sluice has no schemas`, 42206, false},
		{`{"value":{"data":1}}`, `has no \"type\"`, 42206, false},
		{`{"value":{"type":1}}`, "is not a string", 42206, false},
		{`{"value":{"type":"STRING","data":1}}`, `\"value\" is not a string`, 42206, false},
		{`{"value":{"type":"BINARY","data":"*"}}`, `\"value\" is not base64`, 42206, false},
		{`{"value":7}`, `\"value\" is not an object`, 42206, false},
		{`{"timestamp":"yesterday"}`, "timestamp", 42206, false},
		{`{"timestamp":"1969-01-01T00:00:00Z"}`, "timestamp", 42206, false},
		{`{"timestamp":1}`, "timestamp", 42206, false},
		{`{"headers":[{"key":"a"}]}`, `{\"name\":`, 42206, false},
		{`{"value":{"type":"STRING","data":"` + "\xff" + `"}}`, "not UTF-8", 400, false},
		{`{"value":}`, "invalid JSON at byte 9: expected a value", 400, true},
		{`[1]`, "invalid JSON at byte 0: expected {", 400, true},
		{`7`, "expected {", 400, true},
	} {
		answer, text := s.Ask("POST", s.V3()+"/topics/orders/records", good+c.body+good, "Content-Type", exchange.JSONType)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		want := fmt.Sprintf(`{"error_code":%d,"message":"`, c.code)
		if answer.StatusCode != 200 || len(lines) < 2 || !strings.HasPrefix(lines[1], want) || !strings.Contains(lines[1], c.message) {
			t.Errorf("%s: %d %s", c.body, answer.StatusCode, text)
			continue
		}
		if rest := len(lines) - 2; (rest == 0) != c.last || rest == 1 && !strings.HasPrefix(lines[2], `{"error_code":200,`) {
			t.Errorf("%s: %s", c.body, text)
		}
	}
	if now := s.Door.Stats(); now.Held != 0 {
		t.Errorf("%d bytes are still held", now.Held)
	}
}

func TestRequestsOfVersion3ThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 100_000}})
	good := `{"value":{"type":"JSON","data":1}}`
	entry := func(id string) string { return `{"id":` + id + `,"value":{"type":"JSON","data":1}}` }
	for _, c := range []struct {
		path, kind, body string
		status, code     int
		message          string
	}{
		{"/v3/clusters/other/topics/orders/records", exchange.JSONType, good, 404, 404, "Cluster other cannot be found."},
		{"/v3/clusters/other/topics/orders/records:batch", exchange.JSONType, good, 404, 404, "Cluster other cannot be found."},
		{"*/topics/bad%20name/records", exchange.JSONType, good, 404, 40403, "does not host"},
		{"*/topics/orders/records", resttest.AsJSON, good, 415, 415, "version 3 takes application/json"},
		{"*/topics/orders/records", exchange.JSONType, `{"value":{"type":"STRING","data":"` + strings.Repeat("x", 200_000) + `"}}`, 413, 413, "100000 bytes"},
		{"*/topics/orders/records:batch", "text/plain", "{}", 415, 415, ""},
		{"*/topics/orders/records:batch", exchange.JSONType, "{}", 422, 42208, "Error in batch. Empty batch."},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[]}`, 422, 42208, "Empty batch."},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":{}}`, 422, 42206, `"entries" is not a list`},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[1]}`, 422, 42206, "an entry is not an object"},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"records":[]}`, 422, 42206, "Unrecognized field: records"},
		{"*/topics/orders/records:batch", exchange.JSONType, `[]`, 422, 42206, "the body is not an object"},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[{}]}`, 422, 42208, `no "id"`},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[` + entry(`7`) + `]}`, 422, 42208, `no "id"`},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[` + entry(`""`) + `]}`, 422, 42208, "1 to 80 characters"},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[` + entry(`"`+strings.Repeat("é", 81)+`"`) + `]}`, 422, 42208, "1 to 80 characters"},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[` + entry(`"a"`) + "," + entry(`"\u0061"`) + `]}`, 422, 42208, "not distinct"},
		{
			"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[` + elevenEntries(entry) + `]}`,
			422, 42208, "Too many entries in batch: there may be 10.",
		},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[{"id":"1"}`, 400, 400, "invalid JSON"},
		{"*/topics/orders/records:batch", exchange.JSONType, `{"entries":[{"id":"1"}]} x`, 400, 400, "expected nothing more"},
		{"*/topics/orders/records:batch", exchange.JSONType, "\xff", 400, 400, "not UTF-8"},
	} {
		path := strings.Replace(c.path, "*", s.V3(), 1)
		answer, text := s.Ask("POST", path, c.body, "Content-Type", c.kind)
		resttest.WantFailure(t, c.path+" "+c.body[:min(60, len(c.body))], answer, text, c.status, c.code, c.message)
		if answer.Header.Get("Content-Type") != exchange.JSONType {
			t.Errorf("%s: %v", c.path, answer.Header)
		}
	}
}

func elevenEntries(entry func(id string) string) string {
	var list []string
	for i := range 11 {
		list = append(list, entry(fmt.Sprintf(`"%d"`, i)))
	}
	return strings.Join(list, ",")
}

func TestABatchTellsWhatIsWrittenFromWhatIsNot(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	id := strings.Repeat("é", 80)
	body := `{"entries":[{"id":"1","partition_id":2,"key":{"type":"STRING","data":"k"},"value":{"type":"BINARY","data":"AA=="},"timestamp":"2026-01-01T00:00:00Z"},
		{"value":{"type":"PROTOBUF","data":"x"},"id":"a\"b","partition_id":"x"},
		{"id":"3","partition_id":7},
		{"id":"` + id + `","partition_id":1,"timestamp":"2026-01-01T00:00:00Z"}]}`
	answer, text := s.Ask("POST", s.V3()+"/topics/orders/records:batch", body, "Content-Type", exchange.JSONType)
	place := `"cluster_id":"` + strings.TrimPrefix(s.V3(), "/v3/clusters/") + `","topic_name":"orders",`
	want := `{"successes":[{"id":"1",` + place + `"partition_id":2,"offset":0,"timestamp":"2026-01-01T00:00:00.000Z",` +
		`"key":{"type":"STRING","size":1},"value":{"type":"BINARY","size":1}},` +
		`{"id":"` + id + `",` + place + `"partition_id":1,"offset":0,"timestamp":"2026-01-01T00:00:00.000Z"}],` +
		`"failures":[{"id":"a\"b","error_code":42206,"message":"\"value\" is of type PROTOBUF, which is not supported: BINARY, JSON and STRING are"},` +
		`{"id":"3","error_code":40403,"message":"This server does not host this topic-partition.","outcome":"rejected"}]}`
	if answer.StatusCode != 207 {
		t.Errorf("%d", answer.StatusCode)
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer, text = s.Ask("POST", s.V3()+"/topics/nope/records:batch", `{"entries":[{"id":"1"},{"id":"2","value":1}]}`, "Content-Type", exchange.JSONType)
	if answer.StatusCode != 207 || !strings.HasPrefix(text, `{"successes":[],"failures":[{"id":"1","error_code":40403,`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestReportsComeWhileRecordsAreStillWritten(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	conn, in := s.Dial()
	s.Write(conn, "POST %s/topics/blobs/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", s.V3(), exchange.JSONType)
	body := httputil.NewChunkedWriter(conn)
	var reports *json.Decoder
	for i := range int64(3) {
		for _, piece := range []string{`{"value":{"type":"STR`, `ING","data":"}`, `"}}`} { // no end of a line
			if _, err := io.WriteString(body, piece); err != nil {
				t.Fatal(err)
			}
		}
		if reports == nil {
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				conn.Close() // Close of the body would wait for its end
				answer.Body.Close()
			})
			reports = json.NewDecoder(answer.Body)
		}
		var r struct {
			Code   int   `json:"error_code"`
			Offset int64 `json:"offset"`
		}
		if err := reports.Decode(&r); err != nil || r.Code != 200 || r.Offset != i {
			t.Fatalf("%+v %v", r, err)
		}
	}
}

func TestALongStreamOfVersion3TakesNoMoreMemoryThanAShortOne(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	const n = 5_000
	read, write := io.Pipe()
	go func() {
		large := `{"value":{"type":"STRING","data":"` + strings.Repeat("x", 200_000) + `"}}` // longer than a buffer
		for i := range n {
			record := `{"value":{"type":"JSON","data":{"a":"` + strings.Repeat("}", 100) + `"}}}`
			if i%1000 == 0 {
				record = large
			}
			if _, err := io.WriteString(write, record); err != nil {
				break
			}
		}
		write.Close()
	}()
	r, err := http.NewRequestWithContext(resttest.Within(t, resttest.Patience), http.MethodPost, "http://"+s.Addr+s.V3()+"/topics/blobs/records", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", exchange.JSONType)
	answer, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	reports, most := json.NewDecoder(answer.Body), int64(0)
	for i := range int64(n) {
		var r struct {
			Code   int   `json:"error_code"`
			Offset int64 `json:"offset"`
		}
		if err := reports.Decode(&r); err != nil || r.Code != 200 || r.Offset != i {
			t.Fatalf("record %d: %+v %v", i, r, err)
		}
		if i%100 == 0 {
			most = max(most, s.Door.Stats().Held)
		}
	}
	if most > 16*produce.ChunkBytes {
		t.Errorf("%d bytes were held", most)
	}
	if _, err := reports.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestVersion3WithoutARecordIsRefused(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, body := range []string{"", " \n\t"} {
		answer, text := s.Ask("POST", s.V3()+"/topics/blobs/records", body, "Content-Type", exchange.JSONType)
		resttest.WantFailure(t, "no record", answer, text, 400, 400, "Data is required")
	}
	if answer, text := s.Ask("POST", "/v1/topics/blobs/records", "", "Content-Type", exchange.NDJSONType); answer.StatusCode != 200 || text != "" {
		t.Errorf("no lines have no results: %d %s", answer.StatusCode, text)
	}
}
