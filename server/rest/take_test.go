package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
)

// message is a record as takes and streams have it.
type message struct {
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Delivery  int             `json:"delivery"`
	Lease     string          `json:"lease"`
}

// put produces values, which are JSON, to one partition of a topic.
func (s *sluice) put(topic string, partition int, values ...string) {
	s.t.Helper()
	var records []string
	for _, v := range values {
		records = append(records, fmt.Sprintf(`{"value":%s,"partition":%d}`, v, partition))
	}
	answer, text := s.ask("POST", "/topics/"+topic, `{"records":[`+strings.Join(records, ",")+`]}`, "Content-Type", asJSON)
	if answer.StatusCode != 200 || strings.Contains(text, `"error_code":5`) {
		s.t.Fatalf("%d %s", answer.StatusCode, text)
	}
}

// numbers are n values of JSON, from 0 on.
func numbers(n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint(i))
	}
	return values
}

// take takes a list of records.
func (s *sluice) take(group, query string) []message {
	s.t.Helper()
	answer, text := s.ask("GET", "/v1/groups/"+group+"/messages?"+query, "")
	if answer.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", query, answer.StatusCode, text)
	}
	return s.messages(text)
}

func (s *sluice) messages(text string) (list []message) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
	return list
}

// settle sends settlements and returns what became of them.
func (s *sluice) settle(group, body string) string {
	s.t.Helper()
	answer, text := s.ask("POST", "/v1/groups/"+group+"/acks", body)
	if answer.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", body, answer.StatusCode, text)
	}
	return text
}

// leasesOf are the leases of messages as a list of JSON.
func leasesOf(list []message) string {
	var quoted []string
	for _, m := range list {
		quoted = append(quoted, `"`+m.Lease+`"`)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func tallied(accepted, released, renewed, stale int) string {
	return fmt.Sprintf(`{"accepted":%d,"released":%d,"rejected":0,"renewed":%d,"stale":%d}`, accepted, released, renewed, stale)
}

// all waits long enough for a group to be joined.
const all = "topics=blobs&wait=20s"

func TestRecordsAreTakenAndAcknowledged(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, `{"n":1}`, `"two"`, `null`)
	got := s.take("billing", all)
	if len(got) != 3 || string(got[0].Value) != `{"n":1}` || string(got[2].Value) != "null" || got[1].Offset != 1 || got[0].Delivery != 1 {
		t.Fatalf("%+v", got)
	}
	if more := s.take("billing", "topics=blobs&wait=0s"); len(more) != 0 {
		t.Errorf("lent twice: %+v", more)
	}
	if said := s.settle("billing", `{"ack":`+leasesOf(got)+`}`); said != tallied(3, 0, 0, 0) {
		t.Error(said)
	}
	if said := s.settle("billing", `{"ack":`+leasesOf(got)+`}`); said != tallied(0, 0, 0, 3) {
		t.Error(said)
	}
	s.balanced()
}

// balanced checks the books: every record that was lent was settled or is still lent.
func (s *sluice) balanced() {
	s.t.Helper()
	for _, row := range s.client.Consumed() {
		if row.Lent != row.Accepted+row.Released+row.Rejected+row.Leased {
			s.t.Errorf("%+v", row)
		}
	}
}

func TestWhatIsTakenCanBeProducedAgain(t *testing.T) {
	s := start(t, Options{})
	headers := `"headers":[{"key":"a","value":"AP8="},{"key":"a","value":null}]`
	for _, line := range []string{
		`{"key":"AP8=","value":"/w==",` + headers + `}`, // not UTF-8
		`{"key":"Yy0xNw==","value":"aGVsbG8=",` + headers + `}`,
		`{"key":"MQ==","value":"eyJuIjoxfQ==",` + headers + `}`,
		`{"key":null,"value":"",` + headers + `}`,
		`{"key":"","value":null,` + headers + `}`,
	} {
		if answer, text := s.ask("POST", "/v1/topics/blobs/records?format=binary", line, "Content-Type", ndjsonType); answer.StatusCode != 200 {
			t.Fatal(text)
		}
	}
	for _, format := range []string{"json", "binary", "text"} {
		_, lines := s.ask("GET", "/v1/groups/"+format+"/messages?format="+format+"&"+all, "")
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(lines), &list); err != nil || len(list) != 5 {
			t.Fatalf("%v: %s", err, lines)
		}
		for _, line := range list {
			_, text := s.ask("POST", "/v1/topics/orders/records?format="+format, string(line), "Content-Type", ndjsonType)
			if !strings.Contains(text, `"offset"`) {
				t.Errorf("%s: %s became %s", format, line, text)
			}
		}
	}
	was, is := s.read("blobs", 5), s.read("orders", 15)
	for i, r := range is {
		w := was[i%5]
		if string(r.Key) != string(w.Key) || (r.Key == nil) != (w.Key == nil) || string(r.Value) != string(w.Value) ||
			(r.Value == nil) != (w.Value == nil) || fmt.Sprint(r.Headers) != fmt.Sprint(w.Headers) || r.Timestamp != w.Timestamp {
			t.Errorf("%d: %v became %v", i, w, r)
		}
	}
}

func TestTakesThatAreNotGranted(t *testing.T) {
	s := start(t, Options{})
	const path = "/v1/groups/billing/messages"
	many := strings.Repeat("t,", 100) + "t"
	for _, c := range []struct {
		query        string
		field, value string
		status       int
		message      string
	}{
		{"", "", "", 422, "topics: say which"},
		{"?topics=", "", "", 422, "no name of a topic"},
		{"?topics=blobs,", "", "", 422, "no name of a topic"},
		{"?topics=^blobs", "", "", 422, "no name of a topic"},
		{"?topics=" + many, "", "", 422, "101 are more than 100"},
		{"?topics=blobs&topics=orders", "", "", 422, "more than once"},
		{"?topics=blobs&maximum=1", "", "", 422, `unknown parameter "maximum"`},
		{"?topics=blobs&max=0", "", "", 422, "from 1 to 1000"},
		{"?topics=blobs&max=1001", "", "", 422, "from 1 to 1000"},
		{"?topics=blobs&max=x", "", "", 422, "from 1 to 1000"},
		{"?topics=blobs&max_bytes=0", "", "", 422, "max_bytes"},
		{"?topics=blobs&max_bytes=16777217", "", "", 422, "max_bytes"},
		{"?topics=blobs&wait=61s", "", "", 422, "wait"},
		{"?topics=blobs&wait=-1s", "", "", 422, "wait"},
		{"?topics=blobs&wait=5", "", "", 422, "wait"},
		{"?topics=blobs&ack_timeout=999ms", "", "", 422, "from 1s to 12h"},
		{"?topics=blobs&ack_timeout=13h", "", "", 422, "from 1s to 12h"},
		{"?topics=blobs&ack=auto", "", "", 422, "neither explicit nor none"},
		{"?topics=blobs&format=avro", "", "", 422, "json, binary, text"},
		{"?topics=blobs&max_unacked=1", "", "", 422, "of a stream"},
		{"?topics=blobs&max=1", "Accept", "text/event-stream", 422, "max_unacked"},
		{"?topics=blobs&wait=1s", "Accept", "application/x-ndjson;q=0.5, */*", 422, "max_unacked"},
		{"?topics=blobs&max_unacked=0", "Accept", ndjsonType, 422, "from 1 to 10000"},
		{"?topics=blobs&a;b", "", "", 422, "well formed"},
		{"?topics=blobs&auto.offset.reset=sometimes", "", "", 422, "auto.offset.reset=sometimes"},
		{"?topics=blobs&bootstrap.servers=evil:1", "", "", 422, "kafka.brokers"},
		{"?topics=blobs&no.such.thing=1", "", "", 422, "no.such.thing"},
		{"?topics=blobs&" + strings.Join(dotted(21), "&"), "", "", 422, "more than 20 properties"},
		{"?topics=nope&wait=0s", "", "", 404, "Topic not found."},
		{"?topics=blobs", "Origin", "http://attacker.example", 403, "origins"},
		{"?topics=blobs", "Sec-Fetch-Site", "cross-site", 403, "origins"},
		{"?topics=blobs", "Sec-Fetch-Site", "same-site", 403, "origins"},
		{"?topics=blobs", "Sec-Purpose", "prefetch", 403, "origins"},
	} {
		answer, text := s.ask("GET", path+c.query, "", c.field, c.value)
		code := c.status
		if code == 404 {
			code = 40401
		}
		wantFailure(t, c.query+" "+c.value, answer, text, c.status, code, c.message)
	}
	answer, text := s.ask("GET", "/v1/groups/"+strings.Repeat("g", 250)+"/messages?topics=blobs", "")
	wantFailure(t, "a long group", answer, text, 422, 422, "249 bytes")
	answer, text = s.ask("GET", "/v1/groups/a%0Ab/messages?topics=blobs", "")
	wantFailure(t, "a group of two lines", answer, text, 422, 422, "printed")
	answer, text = s.ask("GET", path+"?topics=blobs", "{}")
	wantFailure(t, "a body", answer, text, 422, 422, "no place")
	answer, _ = s.ask("HEAD", path+"?topics=blobs", "")
	if answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET" {
		t.Errorf("HEAD: %d %v", answer.StatusCode, answer.Header)
	}
	if n := s.client.Stats().Subscriptions; n != 0 {
		t.Errorf("%d subscriptions for nothing", n)
	}
}

// configured is what the client was opened with.
func (s *sluice) configured() kafka.Config {
	cfg := kafka.Defaults()
	cfg.Brokers = s.cluster.ListenAddrs()
	return cfg
}

func dotted(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("a.%d=1", i))
	}
	return names
}

func TestATakeIsBounded(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(10)...)
	if got := s.take("a", all+"&max=3"); len(got) != 3 {
		t.Errorf("max=3: %d", len(got))
	}
	if got := s.take("a", all+"&max_bytes=1"); len(got) != 1 || got[0].Offset != 3 {
		t.Errorf("max_bytes=1: %+v", got)
	}
	if got := s.take("a", all); len(got) != 6 {
		t.Errorf("the rest: %d", len(got))
	}
}

func TestAnAnswerMayBeLarge(t *testing.T) {
	s := start(t, Options{})
	large := `"` + strings.Repeat("x", 100_000) + `"`
	s.put("blobs", 0, large, large, large)
	got := s.take("a", all)
	if len(got) != 3 || string(got[2].Value) != large {
		t.Errorf("%d records", len(got))
	}
}

func TestRecordsWithoutAcknowledgementComeOnce(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(3)...)
	got := s.take("a", all+"&ack=none")
	if len(got) != 3 || got[0].Lease != "" {
		t.Fatalf("%+v", got)
	}
	if s.door.v1.lenders.Stats().Lent != 0 {
		t.Error("something is lent")
	}
	s.balanced()
}

func TestAGroupBeginsWhereItIsTold(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(3)...)
	answer, text := s.ask("GET", "/v1/groups/a/messages?auto.offset.reset=error&"+all, "")
	wantFailure(t, "error", answer, text, 409, 409, "auto.offset.reset")
	if got := s.take("b", "topics=blobs&wait=100ms&auto.offset.reset=latest"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTooManyGroupsAreToldToComeBack(t *testing.T) {
	s := start(t, Options{})
	s.bound(1)
	s.put("blobs", 0, `0`)
	s.take("a", all) // and is at work on it
	answer, text := s.ask("GET", "/v1/groups/b/messages?topics=blobs", "")
	wantFailure(t, "another", answer, text, 503, 50003, "consume.max_subscriptions: 1 subscriptions have members, and one address may have half")
	if answer.Header.Get("Retry-After") == "" || s.door.v1.lenders.Stats().Lenders != 1 {
		t.Errorf("%v, %d lenders", answer.Header, s.door.v1.lenders.Stats().Lenders)
	}
}

func TestAFullWindowIsTold(t *testing.T) {
	s := start(t, Options{})
	cfg := s.configured()
	cfg.WindowRecords = 4
	if _, err := s.client.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	s.put("blobs", 0, numbers(6)...)
	got := s.take("a", all)
	if len(got) != 4 {
		t.Fatalf("%d records", len(got))
	}
	answer, text := s.ask("GET", "/v1/groups/a/messages?topics=blobs&wait=0s", "")
	wantFailure(t, "full", answer, text, 429, 429, "4 records")
	if answer.Header.Get("Retry-After") == "" {
		t.Error(answer.Header)
	}
	waits := s.later(func() (*reply, string) { return s.ask("GET", "/v1/groups/a/messages?"+all, "") })
	eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == 1 })
	s.settle("a", `{"ack":`+leasesOf(got[:2])+`}`)
	if answer := <-waits; len(s.messages(answer.text)) != 2 {
		t.Errorf("%s", answer.text)
	}
}

// answered is what came back for a request.
type answered struct {
	*reply

	text string
}

// later asks meanwhile.
func (s *sluice) later(ask func() (*reply, string)) <-chan answered {
	done := make(chan answered, 1)
	go func() {
		r, text := ask()
		done <- answered{r, text}
	}()
	return done
}

func TestWhoWaitsKeepsNobodyFromProducing(t *testing.T) {
	s := start(t, Options{MaxRequests: 1, MaxWaiting: 2})
	var waits []<-chan answered
	for i := range 2 {
		waits = append(waits, s.later(func() (*reply, string) { return s.ask("GET", "/v1/groups/a/messages?max=1&"+all, "") }))
		eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == int64(i)+1 })
	}
	answer, text := s.ask("GET", "/v1/groups/a/messages?"+all, "")
	wantFailure(t, "a third", answer, text, 503, 50003, "too many requests wait")
	s.put("blobs", 0, numbers(2)...)
	for i, w := range waits { // first come, first served
		if got := s.messages((<-w).text); len(got) != 1 || got[0].Offset != int64(i) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	eventually(t, "the end of the requests", func() bool {
		now := s.door.Stats()
		return now.Waiting == 0 && now.Requests == 0
	})
}

func TestWhoWaitsIsToldThatSluiceStops(t *testing.T) {
	s := start(t, Options{})
	wait := s.later(func() (*reply, string) { return s.ask("GET", "/v1/groups/a/messages?"+all, "") })
	eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == 1 })
	s.door.stop()
	got := <-wait
	wantFailure(t, "stopping", got.reply, got.text, 503, 50003, "stopping")
	answer, text := s.ask("GET", "/v1/groups/a/messages?"+all, "")
	wantFailure(t, "stopped", answer, text, 503, 50003, "stopping")
	if answer.Header.Get("Retry-After") == "" {
		t.Error(answer.Header)
	}
}

func TestRecordsOfAClientThatIsGoneGoToOthers(t *testing.T) {
	s := start(t, Options{})
	s.take("a", "topics=blobs&wait=0s")
	conn, _ := s.dial()
	s.write(conn, "GET /v1/groups/a/messages?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", all)
	eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == 1 })
	_ = conn.Close()
	eventually(t, "it is gone", func() bool { return s.door.Stats().Waiting == 0 })
	s.put("blobs", 0, `1`)
	if got := s.take("a", all); len(got) != 1 || got[0].Delivery != 1 {
		t.Errorf("%+v", got)
	}
}

// unwritable is an answer that nobody takes.
type unwritable struct{ http.ResponseWriter }

func (unwritable) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestWhatCannotBeWrittenGoesBackInFront(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(3)...)
	first := s.take("a", all+"&max=1")
	func() {
		defer func() {
			if err, is := recover().(error); !is || !errors.Is(err, http.ErrAbortHandler) {
				t.Error("the connection stays")
			}
		}()
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "/v1/groups/a/messages?"+all, nil)
		r.Host = "localhost"
		s.door.ServeHTTP(unwritable{httptest.NewRecorder()}, r)
	}()
	got := s.take("a", all)
	if len(first) != 1 || len(got) != 2 || got[0].Offset != 1 || got[0].Delivery != 2 {
		t.Errorf("%+v", got)
	}
	s.balanced()
}

func TestAListIsPackedForWhoWantsItSo(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, `"`+strings.Repeat("x", 5000)+`"`)
	answer, text := s.ask("GET", "/v1/groups/a/messages?"+all, "", "Accept-Encoding", "gzip")
	if answer.Header.Get("Content-Encoding") != "gzip" || len(s.messages(text)) != 1 {
		t.Errorf("%v %s", answer.Header, text)
	}
}

// FuzzDemand asks for what nobody should: it is refused with 4xx, or bounded.
func FuzzDemand(f *testing.F) {
	f.Add("billing", "topics=orders,blobs&max=3&wait=5s&ack_timeout=60s&auto.offset.reset=latest", "")
	f.Add("a b", "topics=orders&max_unacked=10000&ack=none&format=text", "text/event-stream;q=1, */*")
	f.Add("\x00", "topics=%00&max=99999999999999999999&%zz", ndjsonType)
	f.Fuzz(func(t *testing.T, group, query, accept string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Accept": {accept}}}
		r.SetPathValue("group", group)
		d, err := readDemand(&exchange{r: r})
		if err != nil {
			if f := asFailure(err); f.status != 422 || f.message == "" {
				t.Fatalf("%q %q: %d %s", group, query, f.status, f.message)
			}
			return
		}
		bounded := len(d.group) <= 249 && len(d.interest.Topics) <= 100 && len(d.interest.Overrides) <= 20 &&
			0 < d.Limits.Records && d.Limits.Records <= 1000 && 0 < d.Bytes && d.Bytes <= 16<<20 && 0 <= d.wait && d.wait <= time.Minute &&
			time.Second <= d.Timeout && d.Timeout <= 12*time.Hour && 0 < d.most && d.most <= 10_000
		if !bounded || len(d.interest.Topics) == 0 {
			t.Fatalf("%q: %+v", query, d)
		}
		for _, name := range d.interest.Topics {
			if !legalTopic(name) {
				t.Fatalf("%q", name)
			}
		}
	})
}

func TestARecordIsLentWithoutGarbage(t *testing.T) {
	id, _ := lender.ParseID([]byte("AAAAAQAAAAIAAAAAAAAAAw"))
	p := &lender.Batch{Leases: []lender.ID{id}, Records: []kafka.Delivery{{Attempt: 1, Record: kafka.Record{
		TopicPartition: kafka.TopicPartition{Topic: "orders"}, Key: []byte(`"k"`), Value: []byte(`{"n":1}`), Timestamp: 1,
	}}}}
	out := make([]byte, 0, 1024)
	for kind, shape := range shapes {
		if n := testing.AllocsPerRun(100, func() { shape.record(out, p, 0, jsonFormat) }); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}

func TestALenderThatEndedIsAFailureOfTheMoment(t *testing.T) {
	f := asFailure(lent(lender.ErrEnded))
	if f.status != 503 || f.code != codeRetry || f.again == 0 || !strings.Contains(f.message, "consumer failed") {
		t.Errorf("%+v", f)
	}
}
