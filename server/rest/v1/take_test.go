package v1_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestRecordsAreTakenAndAcknowledged(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, `{"n":1}`, `"two"`, `null`)
	got := s.Take("billing", resttest.All)
	if len(got) != 3 || string(got[0].Value) != `{"n":1}` || string(got[2].Value) != "null" || got[1].Offset != 1 || got[0].Delivery != 1 {
		t.Fatalf("%+v", got)
	}
	if more := s.Take("billing", "topics=blobs&wait=0s"); len(more) != 0 {
		t.Errorf("lent twice: %+v", more)
	}
	if said := s.Settle("billing", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(3, 0, 0, 0) {
		t.Error(said)
	}
	if said := s.Settle("billing", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(0, 0, 0, 3) {
		t.Error(said)
	}
	s.Balanced()
}

func TestWhatIsTakenCanBeProducedAgain(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	headers := `"headers":[{"key":"a","value":"AP8="},{"key":"a","value":null}]`
	for _, line := range []string{
		`{"key":"AP8=","value":"/w==",` + headers + `}`, // not UTF-8
		`{"key":"Yy0xNw==","value":"aGVsbG8=",` + headers + `}`,
		`{"key":"MQ==","value":"eyJuIjoxfQ==",` + headers + `}`,
		`{"key":null,"value":"",` + headers + `}`,
		`{"key":"","value":null,` + headers + `}`,
	} {
		if answer, text := s.Ask("POST", "/v1/topics/blobs/records?format=binary", line, "Content-Type", exchange.NDJSONType); answer.StatusCode != 200 {
			t.Fatal(text)
		}
	}
	for _, format := range []string{"json", "binary", "text"} {
		_, lines := s.Ask("GET", "/v1/groups/"+format+"/messages?format="+format+"&"+resttest.All, "")
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(lines), &list); err != nil || len(list) != 5 {
			t.Fatalf("%v: %s", err, lines)
		}
		for _, line := range list {
			_, text := s.Ask("POST", "/v1/topics/orders/records?format="+format, string(line), "Content-Type", exchange.NDJSONType)
			if !strings.Contains(text, `"offset"`) {
				t.Errorf("%s: %s became %s", format, line, text)
			}
		}
	}
	was, is := s.Read("blobs", 5), s.Read("orders", 15)
	for i, r := range is {
		w := was[i%5]
		if string(r.Key) != string(w.Key) || (r.Key == nil) != (w.Key == nil) || string(r.Value) != string(w.Value) ||
			(r.Value == nil) != (w.Value == nil) || fmt.Sprint(r.Headers) != fmt.Sprint(w.Headers) || r.Timestamp != w.Timestamp {
			t.Errorf("%d: %v became %v", i, w, r)
		}
	}
}

func TestTakesThatAreNotGranted(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
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
		{"?topics=blobs&max_unacked=1", "Accept", "application/json, application/x-ndjson, text/event-stream", 422, "of a stream"},
		{"?topics=blobs&wait=1s", "Accept", "text/event-stream, application/json", 422, "max_unacked"},
		{"?topics=blobs&max=1", "Accept", "text/event-stream", 422, "max_unacked"},
		{"?topics=blobs&wait=1s", "Accept", "application/x-ndjson;q=0.5, */*", 422, "max_unacked"},
		{"?topics=blobs&max_unacked=0", "Accept", exchange.NDJSONType, 422, "from 1 to 10000"},
		{"?topics=blobs&a;b", "", "", 422, "well formed"},
		{"?topics=blobs&auto.offset.reset=sometimes", "", "", 422, "auto.offset.reset=sometimes"},
		{"?topics=blobs&bootstrap.servers=evil:1", "", "", 422, "kafka.brokers"},
		{"?topics=blobs&no.such.thing=1", "", "", 422, "no.such.thing"},
		{"?topics=blobs&" + strings.Join(resttest.Dotted(21), "&"), "", "", 422, "more than 20 properties"},
		{"?topics=nope&wait=0s", "", "", 404, "Topic not found."},
		{"?topics=blobs", "Origin", "http://attacker.example", 403, "origins"},
		{"?topics=blobs", "Sec-Fetch-Site", "cross-site", 403, "origins"},
		{"?topics=blobs", "Sec-Fetch-Site", "same-site", 403, "origins"},
		{"?topics=blobs", "Sec-Purpose", "prefetch", 403, "origins"},
	} {
		answer, text := s.Ask("GET", path+c.query, "", c.field, c.value)
		code := c.status
		if code == 404 {
			code = 40401
		}
		resttest.WantFailure(t, c.query+" "+c.value, answer, text, c.status, code, c.message)
	}
	answer, text := s.Ask("GET", "/v1/groups/"+strings.Repeat("g", 250)+"/messages?topics=blobs", "")
	resttest.WantFailure(t, "a long group", answer, text, 422, 422, "249 bytes")
	answer, text = s.Ask("GET", "/v1/groups/a%0Ab/messages?topics=blobs", "")
	resttest.WantFailure(t, "a group of two lines", answer, text, 422, 422, "printed")
	answer, text = s.Ask("GET", path+"?topics=blobs", "{}")
	resttest.WantFailure(t, "a body", answer, text, 422, 422, "no place")
	answer, _ = s.Ask("HEAD", path+"?topics=blobs", "")
	if answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET" {
		t.Errorf("HEAD: %d %v", answer.StatusCode, answer.Header)
	}
	if n := s.Client.Stats().Subscriptions; n != 0 {
		t.Errorf("%d subscriptions for nothing", n)
	}
}

func TestATakeIsBounded(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(10)...)
	if got := s.Take("a", resttest.All+"&max=3"); len(got) != 3 {
		t.Errorf("max=3: %d", len(got))
	}
	if got := s.Take("a", resttest.All+"&max_bytes=1"); len(got) != 1 || got[0].Offset != 3 {
		t.Errorf("max_bytes=1: %+v", got)
	}
	if got := s.Take("a", resttest.All); len(got) != 6 {
		t.Errorf("the rest: %d", len(got))
	}
}

func TestAnAnswerMayBeLarge(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	large := `"` + strings.Repeat("x", 100_000) + `"`
	s.Put("blobs", 0, large, large, large)
	got := s.Take("a", resttest.All)
	if len(got) != 3 || string(got[2].Value) != large {
		t.Errorf("%d records", len(got))
	}
}

func TestRecordsWithoutAcknowledgementComeOnce(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(3)...)
	got := s.Take("a", resttest.All+"&ack=none")
	if len(got) != 3 || got[0].Lease != "" {
		t.Fatalf("%+v", got)
	}
	if s.Leased() != 0 {
		t.Error("something is lent")
	}
	s.Balanced()
}

func TestAGroupBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(3)...)
	answer, text := s.Ask("GET", "/v1/groups/a/messages?auto.offset.reset=error&"+resttest.All, "")
	resttest.WantFailure(t, "error", answer, text, 409, 409, "auto.offset.reset")
	if got := s.Take("b", "topics=blobs&wait=100ms&auto.offset.reset=latest"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTooManyGroupsAreToldToComeBack(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Bound(1)
	s.Put("blobs", 0, `0`)
	s.Take("a", resttest.All) // and is at work on it
	answer, text := s.Ask("GET", "/v1/groups/b/messages?topics=blobs", "")
	resttest.WantFailure(t, "another", answer, text, 503, 50003, "consume.max_subscriptions: 1 subscriptions have members, and one address may have half")
	if answer.Header.Get("Retry-After") == "" || s.Client.Stats().Members != 1 {
		t.Errorf("%v, %d members", answer.Header, s.Client.Stats().Members)
	}
}

func TestAFullWindowIsTold(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	cfg := s.Configured()
	cfg.Consume.WindowRecords = 4
	if _, err := s.Client.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	s.Put("blobs", 0, resttest.Numbers(6)...)
	got := s.Take("a", resttest.All)
	if len(got) != 4 {
		t.Fatalf("%d records", len(got))
	}
	answer, text := s.Ask("GET", "/v1/groups/a/messages?topics=blobs&wait=0s", "")
	resttest.WantFailure(t, "full", answer, text, 429, 429, "4 records")
	if answer.Header.Get("Retry-After") == "" {
		t.Error(answer.Header)
	}
	waits := s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "") })
	resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == 1 })
	s.Settle("a", `{"ack":`+resttest.LeasesOf(got[:2])+`}`)
	if answer := <-waits; len(s.Messages(answer.Text)) != 2 {
		t.Errorf("%s", answer.Text)
	}
}

func TestWhoWaitsKeepsNobodyFromProducing(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxRequests: 1, MaxWaiting: 2}})
	var waits []<-chan resttest.Answered
	for i := range 2 {
		waits = append(waits, s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", "/v1/groups/a/messages?max=1&"+resttest.All, "") }))
		resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == int64(i)+1 })
	}
	answer, text := s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "")
	resttest.WantFailure(t, "a third", answer, text, 503, 50003, "too many requests wait")
	s.Put("blobs", 0, resttest.Numbers(2)...)
	for i, w := range waits { // first come, first served
		if got := s.Messages((<-w).Text); len(got) != 1 || got[0].Offset != int64(i) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	resttest.Eventually(t, "the end of the requests", func() bool {
		now := s.Door.Stats()
		return now.Waiting == 0 && now.Requests == 0
	})
}

func TestWhoWaitsIsToldThatSluiceStops(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	wait := s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "") })
	resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == 1 })
	begun, in := s.Dial() // keeps the drain waiting
	s.Write(begun, resttest.HalfAProduce)
	late, lateIn := s.Dial()
	resttest.Eventually(t, "the connections", func() bool { return s.Door.Stats().Connections == 3 })
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(resttest.Within(t, resttest.Patience)) }()
	got := <-wait
	resttest.WantFailure(t, "stopping", got.Reply, got.Text, 503, 50003, "stopping")
	s.Write(late, "GET /v1/groups/a/messages?"+resttest.All+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer, text := s.Answered(lateIn)
	resttest.WantFailure(t, "stopped", answer, text, 503, 50003, "stopping")
	if answer.Header.Get("Retry-After") == "" {
		t.Error(answer.Header)
	}
	s.Write(begun, "}")
	s.Answered(in)
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
}

func TestRecordsOfAClientThatIsGoneGoToOthers(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Take("a", "topics=blobs&wait=0s")
	conn, _ := s.Dial()
	s.Write(conn, "GET /v1/groups/a/messages?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", resttest.All)
	resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == 1 })
	_ = conn.Close()
	resttest.Eventually(t, "it is gone", func() bool { return s.Door.Stats().Waiting == 0 })
	s.Put("blobs", 0, `1`)
	if got := s.Take("a", resttest.All); len(got) != 1 || got[0].Delivery != 1 {
		t.Errorf("%+v", got)
	}
}

// unwritable is an answer that cannot be written.
type unwritable struct{ http.ResponseWriter }

func (unwritable) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestWhatCannotBeWrittenGoesBackInFront(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(3)...)
	first := s.Take("a", resttest.All+"&max=1")
	func() {
		defer func() {
			if err, is := recover().(error); !is || !errors.Is(err, http.ErrAbortHandler) {
				t.Error("the connection stays")
			}
		}()
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "/v1/groups/a/messages?"+resttest.All, nil)
		r.Host = "localhost"
		s.Door.ServeHTTP(unwritable{httptest.NewRecorder()}, r)
	}()
	got := s.Take("a", resttest.All)
	if len(first) != 1 || len(got) != 2 || got[0].Offset != 1 || got[0].Delivery != 1 {
		t.Errorf("%+v", got)
	}
	s.Balanced()
}

func TestAListIsPackedForWhoWantsItSo(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, `"`+strings.Repeat("x", 5000)+`"`)
	answer, text := s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "", "Accept-Encoding", "gzip")
	if answer.Header.Get("Content-Encoding") != "gzip" || len(s.Messages(text)) != 1 {
		t.Errorf("%v %s", answer.Header, text)
	}
}
