package v1_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
	v1 "github.com/sluice-proxy/sluice/server/rest/v1"
)

// listener is a client of a stream.
type listener struct {
	s      *resttest.Sluice
	answer *http.Response
	in     *bufio.Reader
	stop   func()
}

// listen opens a stream.
func listen(s *resttest.Sluice, group, query, accept string, fields ...string) *listener {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), "GET", "http://"+s.Addr+"/v1/groups/"+group+"/messages?"+query, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	client := *s.HTTP
	client.Timeout = 0
	answer, err := client.Do(r) //nolint:bodyclose // stop does
	if err != nil {
		s.T.Fatal(err)
	}
	l := &listener{s: s, answer: answer, in: bufio.NewReader(answer.Body), stop: func() { _ = answer.Body.Close() }}
	s.T.Cleanup(l.stop)
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != accept {
		s.T.Fatalf("%d %s", answer.StatusCode, kind)
	}
	return l
}

func (l *listener) line() string {
	l.s.T.Helper()
	text, err := l.in.ReadString('\n')
	if err != nil {
		l.s.T.Fatalf("%v after %q", err, text)
	}
	return strings.TrimSuffix(text, "\n")
}

// event is a line of NDJSON.
func (l *listener) record() (m resttest.Message) {
	l.s.T.Helper()
	for {
		text := l.line()
		if text == "" { // a sign of life
			continue
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			l.s.T.Fatalf("%v in %q", err, text)
		}
		return m
	}
}

func (l *listener) records(n int) (list []resttest.Message) {
	for range n {
		list = append(list, l.record())
	}
	return list
}

// block is everything to the next empty line.
func (l *listener) block() string {
	l.s.T.Helper()
	var lines []string
	for text := l.line(); text != ""; text = l.line() {
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func TestAStreamOfEvents(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	l := listen(s, "a", "topics=blobs", v1.EventType, "Last-Event-ID", "blobs/0/7")
	if got := l.block(); got != "retry: 1000" {
		t.Errorf("%q", got)
	}
	s.Put("blobs", 0, `{"n":1}`)
	got := l.block()
	head, data, found := strings.Cut(got, "\ndata: ")
	var m resttest.Message
	if err := json.Unmarshal([]byte(data), &m); err != nil || !found || head != "id: blobs/0/0\nevent: message" || string(m.Value) != `{"n":1}` {
		t.Errorf("%q: %v", got, err)
	}
	if said := s.Settle("a", `{"ack":["`+m.Lease+`"]}`); said != resttest.Tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if l.answer.Header.Get("Cache-Control") != "no-store" || l.answer.Header.Get("X-Accel-Buffering") != "no" {
		t.Error(l.answer.Header)
	}
}

func TestAStreamHasOnlySoManyUnacknowledged(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Put("blobs", 0, resttest.Numbers(8)...)
	l := listen(s, "a", "topics=blobs&max_unacked=2&ack_timeout=30s", exchange.NDJSONType)
	got := l.records(2)
	if more := s.Take("a", "topics=blobs&wait=0s&max=2"); len(more) != 2 || more[0].Offset != 2 {
		t.Fatalf("somebody else gets the next: %+v", more)
	}
	lent := func(n int) {
		t.Helper()
		if in := s.Leased(); in != n {
			t.Errorf("%d in hands, want %d", in, n)
		}
	}
	lent(4)
	s.Settle("a", `{"ack":["`+got[0].Lease+`"]}`) // whoever settles
	third := l.record()
	lent(4)
	s.Settle("a", `{"release":[{"lease":"`+got[1].Lease+`","delay_ms":0}]}`)
	fourth := l.record()
	if third.Offset != 4 || fourth.Offset != 1 || fourth.Delivery != 2 {
		t.Errorf("%+v %+v", third, fourth)
	}
	lent(4)
	c.Forward(31 * time.Second) // all end but what others have
	if fifth, sixth := l.record(), l.record(); fifth.Offset == sixth.Offset {
		t.Errorf("%+v %+v", fifth, sixth)
	}
	s.Balanced()
}

func TestWhatAStreamDidNotSettleGoesBackAtOnce(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(4)...)
	l := listen(s, "a", "topics=blobs&max_unacked=3", exchange.NDJSONType)
	got := l.records(3)
	s.Settle("a", `{"ack":["`+got[1].Lease+`"]}`)
	l.record()
	l.stop()
	again := s.Take("a", resttest.All)
	if len(again) != 3 || again[0].Offset != 0 || again[1].Offset != 2 || again[2].Offset != 3 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	if said := s.Settle("a", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(0, 0, 0, 3) {
		t.Error(said)
	}
	s.Balanced()
}

func TestAStreamWithoutAcknowledgement(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(300)...)
	l := listen(s, "a", "topics=blobs&ack=none&max_unacked=1", exchange.NDJSONType)
	for i, m := range l.records(300) {
		if m.Offset != int64(i) || m.Lease != "" {
			t.Fatalf("%d: %+v", i, m)
		}
	}
	l.stop()
	if got := s.Take("a", "topics=blobs&wait=0s"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	s.Balanced()
}

func TestAStreamShowsSignsOfLife(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{Heartbeat: time.Millisecond}})
	events, lines := listen(s, "a", "topics=blobs", v1.EventType), listen(s, "a", "topics=blobs", exchange.NDJSONType)
	events.block()
	for range 3 {
		if got := events.block(); got != ":" {
			t.Errorf("%q", got)
		}
		if got := lines.line(); got != "" {
			t.Errorf("%q", got)
		}
	}
	s.Put("blobs", 0, resttest.Numbers(1)...)
	s.Take("b", resttest.All) // it is there
	resttest.Eventually(t, "it is lent", func() bool { return s.Leased() == 2 })
}

func TestStreamsEndWhenSluiceStops(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, resttest.Numbers(1)...)
	lines, events := listen(s, "a", "topics=blobs", exchange.NDJSONType), listen(s, "b", "topics=blobs", v1.EventType)
	got := lines.record()
	if text := events.block(); text != "retry: 1000" {
		t.Errorf("%q", text)
	}
	event := events.block()
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(resttest.Within(t, resttest.Patience)) }()
	if rest, err := io.ReadAll(lines.in); err != nil || len(rest) > 0 {
		t.Errorf("%v %q", err, rest)
	}
	if rest, err := io.ReadAll(events.in); err != nil || string(rest) != ": sluice stops\nretry: 1000\n\n" {
		t.Errorf("%v %q", err, rest)
	}
	var m resttest.Message
	_, data, _ := strings.Cut(event, "data: ")
	_ = json.Unmarshal([]byte(data), &m)
	if said := s.Settle("a", `{"ack":["`+got.Lease+`"]}`); said != resttest.Tallied(1, 0, 0, 0) { // still theirs
		t.Error(said)
	}
	if said := s.Settle("b", `{"ack":["`+m.Lease+`"]}`); said != resttest.Tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	s.Balanced()
}

func TestAStreamSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	lines := listen(s, "a", "topics=blobs&auto.offset.reset=error", exchange.NDJSONType)
	rest, err := io.ReadAll(lines.in)
	if err != nil || !strings.HasPrefix(string(rest), `{"error_code":409,"message":"`) {
		t.Errorf("%v %q", err, rest)
	}
	events := listen(s, "b", "topics=blobs&auto.offset.reset=error", v1.EventType)
	rest, err = io.ReadAll(events.in)
	if err != nil || !strings.Contains(string(rest), "\n\nevent: failure\ndata: {\"error_code\":409,") {
		t.Errorf("%v %q", err, rest)
	}
}

// A client that does not read its stream must not hold back others of its group. Its stream is cut, and its records
// are given back.
func TestASlowReaderKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{WriteTimeout: 2 * time.Second}})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	s.Write(conn, "GET /v1/groups/a/messages?topics=blobs&max_unacked=9 HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", exchange.NDJSONType)
	resttest.Eventually(t, "it waits", func() bool { return s.Door.Stats().Waiting == 1 })
	large := `"` + strings.Repeat("x", 900_000) + `"`
	for range 16 { // more than what the kernel holds for a connection, 4 MiB
		s.Put("blobs", 0, large)
	}
	for got := 0; got < 7; {
		got += len(s.Take("a", resttest.All+fmt.Sprintf("&max=%d", 7-got)))
	}
	resttest.Eventually(t, "it is cut", func() bool { return s.Door.Stats().Waiting == 0 })
	if n := s.Leased(); n != 7 {
		t.Errorf("%d in hands", n)
	}
	s.Balanced()
}

func TestStreamsOfOtherPagesAreRefused(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, c := range []struct{ field, value string }{{"Origin", "http://attacker.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		answer, text := s.Ask("GET", "/v1/groups/a/messages?topics=blobs", "", "Accept", v1.EventType, c.field, c.value)
		resttest.WantFailure(t, c.field, answer, text, 403, 403, "origins")
	}
	s.Ask("POST", "/consumers/a", `{"name":"w"}`, "Content-Type", exchange.V2Type) // an instance's records are taken with GET as well
	answer, text := s.Ask("GET", "/consumers/a/instances/w/records", "", "Sec-Fetch-Site", "cross-site")
	resttest.WantFailure(t, "an instance", answer, text, 403, 403, "origins")
}

func TestAStreamOverHTTP2(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{H2C: true})
	s.SpeakHTTP2()
	l := listen(s, "a", "topics=blobs", exchange.NDJSONType)
	s.Put("blobs", 0, resttest.Numbers(2)...)
	got := l.records(2)
	s.Settle("a", `{"ack":["`+got[0].Lease+`"]}`)
	l.stop() // one stream of the connection
	if again := s.Take("a", resttest.All); len(again) != 1 || again[0].Offset != 1 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	other := listen(s, "a", "topics=blobs", v1.EventType)
	if text := other.block(); text != "retry: 1000" {
		t.Errorf("%q", text)
	}
	ctx, noLonger := context.WithCancel(t.Context())
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(ctx) }()
	if rest, err := io.ReadAll(other.in); err != nil || !strings.HasPrefix(string(rest), ": sluice stops") {
		t.Errorf("%v %q", err, rest)
	}
	noLonger() // a worker still has a record
	<-drained
}

// The deadline of a write is not one of a stream that has nothing to write.
func TestAnIdleStreamOverHTTP2IsNotCut(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{H2C: true, Timeouts: exchange.Timeouts{WriteTimeout: 100 * time.Millisecond, Heartbeat: 300 * time.Millisecond}})
	s.SpeakHTTP2()
	l := listen(s, "a", "topics=blobs", exchange.NDJSONType)
	for range 2 {
		if got := l.line(); got != "" {
			t.Errorf("%q", got)
		}
	}
}
