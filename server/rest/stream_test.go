package rest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// listener is a client of a stream.
type listener struct {
	s      *sluice
	answer *http.Response
	in     *bufio.Reader
	stop   func()
}

// listen opens a stream.
func (s *sluice) listen(group, query, accept string, fields ...string) *listener {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://"+s.addr+"/v1/groups/"+group+"/messages?"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	client := *s.http
	client.Timeout = 0
	answer, err := client.Do(r) //nolint:bodyclose // stop does
	if err != nil {
		s.t.Fatal(err)
	}
	l := &listener{s: s, answer: answer, in: bufio.NewReader(answer.Body), stop: func() { _ = answer.Body.Close() }}
	s.t.Cleanup(l.stop)
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != accept {
		s.t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	return l
}

func (l *listener) line() string {
	l.s.t.Helper()
	text, err := l.in.ReadString('\n')
	if err != nil {
		l.s.t.Fatalf("%v after %q", err, text)
	}
	return strings.TrimSuffix(text, "\n")
}

// event is a line of NDJSON.
func (l *listener) record() (m message) {
	l.s.t.Helper()
	for {
		text := l.line()
		if text == "" { // a sign of life
			continue
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			l.s.t.Fatalf("%v in %q", err, text)
		}
		return m
	}
}

func (l *listener) records(n int) (list []message) {
	for range n {
		list = append(list, l.record())
	}
	return list
}

// block is everything to the next empty line.
func (l *listener) block() string {
	l.s.t.Helper()
	var lines []string
	for text := l.line(); text != ""; text = l.line() {
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func TestAStreamOfEvents(t *testing.T) {
	s := start(t, Options{})
	l := s.listen("a", "topics=blobs", eventType, "Last-Event-ID", "blobs/0/7")
	if got := l.block(); got != "retry: 1000" {
		t.Errorf("%q", got)
	}
	s.put("blobs", 0, `{"n":1}`)
	got := l.block()
	head, data, found := strings.Cut(got, "\ndata: ")
	var m message
	if err := json.Unmarshal([]byte(data), &m); err != nil || !found || head != "id: blobs/0/0\nevent: message" || string(m.Value) != `{"n":1}` {
		t.Errorf("%q: %v", got, err)
	}
	if said := s.settle("a", `{"ack":["`+m.Lease+`"]}`); said != tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if l.answer.Header.Get("Cache-Control") != "no-store" || l.answer.Header.Get("X-Accel-Buffering") != "no" {
		t.Error(l.answer.Header)
	}
}

func TestAStreamHasOnlySoManyUnacknowledged(t *testing.T) {
	s, c := startWithClock(t)
	s.put("blobs", 0, numbers(8)...)
	l := s.listen("a", "topics=blobs&max_unacked=2&ack_timeout=30s", ndjsonType)
	got := l.records(2)
	if more := s.take("a", "topics=blobs&wait=0s&max=2"); len(more) != 2 || more[0].Offset != 2 {
		t.Fatalf("somebody else gets the next: %+v", more)
	}
	lent := func(n int) {
		t.Helper()
		if in := s.door.v1.lenders.Stats().Lent; in != n {
			t.Errorf("%d in hands, want %d", in, n)
		}
	}
	lent(4)
	s.settle("a", `{"ack":["`+got[0].Lease+`"]}`) // whoever settles
	third := l.record()
	lent(4)
	s.settle("a", `{"release":["`+got[1].Lease+`"]}`)
	fourth := l.record()
	if third.Offset != 4 || fourth.Offset != 1 || fourth.Delivery != 2 {
		t.Errorf("%+v %+v", third, fourth)
	}
	lent(4)
	c.forward(s.door.v1.lenders, 31*time.Second) // all end but what others have
	if fifth := l.record(); fifth.Delivery < 2 {
		t.Errorf("%+v", fifth)
	}
	l.record()
	s.balanced()
}

func TestWhatAStreamDidNotSettleGoesBackAtOnce(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(4)...)
	l := s.listen("a", "topics=blobs&max_unacked=3", ndjsonType)
	got := l.records(3)
	s.settle("a", `{"ack":["`+got[1].Lease+`"]}`)
	l.record()
	l.stop()
	again := s.take("a", all)
	if len(again) != 3 || again[0].Offset != 0 || again[1].Offset != 2 || again[2].Offset != 3 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	if said := s.settle("a", `{"ack":`+leasesOf(got)+`}`); said != tallied(0, 0, 0, 3) {
		t.Error(said)
	}
	s.balanced()
}

func TestAStreamWithoutAcknowledgement(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(300)...)
	l := s.listen("a", "topics=blobs&ack=none&max_unacked=1", ndjsonType)
	for i, m := range l.records(300) {
		if m.Offset != int64(i) || m.Lease != "" {
			t.Fatalf("%d: %+v", i, m)
		}
	}
	l.stop()
	if got := s.take("a", "topics=blobs&wait=0s"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	s.balanced()
}

func TestAStreamShowsSignsOfLife(t *testing.T) {
	s := start(t, Options{})
	s.door.v1.heartbeat = time.Millisecond
	events, lines := s.listen("a", "topics=blobs", eventType), s.listen("a", "topics=blobs", ndjsonType)
	events.block()
	for range 3 {
		if got := events.block(); got != ":" {
			t.Errorf("%q", got)
		}
		if got := lines.line(); got != "" {
			t.Errorf("%q", got)
		}
	}
	s.put("blobs", 0, numbers(1)...)
	s.take("b", all) // it is there
	eventually(t, "it is lent", func() bool { return s.door.v1.lenders.Stats().Lent == 2 })
}

func TestStreamsEndWhenSluiceStops(t *testing.T) {
	s := start(t, Options{})
	s.put("blobs", 0, numbers(1)...)
	lines, events := s.listen("a", "topics=blobs", ndjsonType), s.listen("b", "topics=blobs", eventType)
	got := lines.record()
	if text := events.block(); text != "retry: 1000" {
		t.Errorf("%q", text)
	}
	event := events.block()
	drained := make(chan int)
	go func() { drained <- s.door.Drain(within(t, patience)) }()
	if rest, err := io.ReadAll(lines.in); err != nil || len(rest) > 0 {
		t.Errorf("%v %q", err, rest)
	}
	if rest, err := io.ReadAll(events.in); err != nil || string(rest) != ": sluice stops\nretry: 1000\n\n" {
		t.Errorf("%v %q", err, rest)
	}
	var m message
	_, data, _ := strings.Cut(event, "data: ")
	_ = json.Unmarshal([]byte(data), &m)
	if said := s.settle("a", `{"ack":["`+got.Lease+`"]}`); said != tallied(1, 0, 0, 0) { // still theirs
		t.Error(said)
	}
	if said := s.settle("b", `{"ack":["`+m.Lease+`"]}`); said != tallied(1, 0, 0, 0) {
		t.Error(said)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d were cut", cut)
	}
	s.balanced()
}

func TestAStreamSaysWhyItEnds(t *testing.T) {
	s := start(t, Options{})
	lines := s.listen("a", "topics=blobs&auto.offset.reset=error", ndjsonType)
	rest, err := io.ReadAll(lines.in)
	if err != nil || !strings.HasPrefix(string(rest), `{"error_code":409,"message":"`) {
		t.Errorf("%v %q", err, rest)
	}
	events := s.listen("b", "topics=blobs&auto.offset.reset=error", eventType)
	rest, err = io.ReadAll(events.in)
	if err != nil || !strings.Contains(string(rest), "\n\nevent: failure\ndata: {\"error_code\":409,") {
		t.Errorf("%v %q", err, rest)
	}
}

// One stream is not read, and others of the group go on. It is cut when it does not take what is written, and
// gives back what it has.
func TestASlowReaderKeepsNobodyBack(t *testing.T) {
	s := start(t, Options{})
	s.door.v1.patience = 2 * time.Second
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	s.write(conn, "GET /v1/groups/a/messages?topics=blobs&max_unacked=9 HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", ndjsonType)
	eventually(t, "it waits", func() bool { return s.door.Stats().Waiting == 1 })
	large := `"` + strings.Repeat("x", 900_000) + `"`
	for range 16 { // more than what the kernel holds for a connection, 4 MiB
		s.put("blobs", 0, large)
	}
	for got := 0; got < 7; {
		got += len(s.take("a", all+fmt.Sprintf("&max=%d", 7-got)))
	}
	eventually(t, "it is cut", func() bool { return s.door.Stats().Waiting == 0 })
	if n := s.door.v1.lenders.Stats().Lent; n != 7 {
		t.Errorf("%d in hands", n)
	}
	s.balanced()
}

func TestStreamsOfOtherPagesAreRefused(t *testing.T) {
	s := start(t, Options{})
	for _, c := range []struct{ field, value string }{{"Origin", "http://attacker.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		answer, text := s.ask("GET", "/v1/groups/a/messages?topics=blobs", "", "Accept", eventType, c.field, c.value)
		wantFailure(t, c.field, answer, text, 403, 403, "origins")
	}
	s.ask("POST", "/consumers/a", `{"name":"w"}`, "Content-Type", v2Type) // an instance's records are taken with GET as well
	answer, text := s.ask("GET", "/consumers/a/instances/w/records", "", "Sec-Fetch-Site", "cross-site")
	wantFailure(t, "an instance", answer, text, 403, 403, "origins")
}

func TestAStreamOverHTTP2(t *testing.T) {
	s := start(t, Options{H2C: true})
	s.speakHTTP2()
	l := s.listen("a", "topics=blobs", ndjsonType)
	s.put("blobs", 0, numbers(2)...)
	got := l.records(2)
	s.settle("a", `{"ack":["`+got[0].Lease+`"]}`)
	l.stop() // one stream of the connection
	if again := s.take("a", all); len(again) != 1 || again[0].Offset != 1 || again[0].Delivery != 2 {
		t.Errorf("%+v", again)
	}
	other := s.listen("a", "topics=blobs", eventType)
	if text := other.block(); text != "retry: 1000" {
		t.Errorf("%q", text)
	}
	s.door.stop()
	if rest, err := io.ReadAll(other.in); err != nil || !strings.HasPrefix(string(rest), ": sluice stops") {
		t.Errorf("%v %q", err, rest)
	}
}

// What a stream costs that waits for records: a thousand of them shall fit into 60 MB.
func TestAnIdleStreamIsCheap(t *testing.T) {
	const n = 200
	s := start(t, Options{})
	s.idle(1)
	before := inUse()
	s.idle(n)
	if each := (inUse() - before) / n; each > 60_000 {
		t.Errorf("%d bytes each", each)
	} else {
		t.Logf("%d bytes each", each)
	}
}

// idle opens streams and waits for the beginning of their answers.
func (s *sluice) idle(n int) {
	s.t.Helper()
	for range n {
		conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.addr)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		s.write(conn, "GET /v1/groups/a/messages?topics=blobs HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", eventType)
		for text := []byte{}; !strings.Contains(string(text), "retry: 1000"); {
			var some [512]byte
			n, err := conn.Read(some[:])
			if err != nil {
				s.t.Fatalf("%v after %q", err, text)
			}
			text = append(text, some[:n]...)
		}
	}
}

// inUse is how much memory lives, stacks included.
func inUse() int {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int(now.HeapAlloc + now.StackInuse) //nolint:gosec // some megabytes
}
