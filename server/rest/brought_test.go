package rest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Many clients open a connection for one request, and close it as soon as they have the reply: curl, PHP, Python's
// requests. They got that reply.
func TestWhoClosesAfterTheReplyGotIt(t *testing.T) {
	s := start(t, Options{})
	const replies = 500
	s.fill(replies)
	s.instance(automatic, "blobs")
	for i := range replies {
		if text, want := s.askAndClose(w1+"/records?max_bytes=1"), fmt.Sprintf(`[{"topic":"blobs","key":null,"value":%d,"partition":0,"offset":%d`, i, i); len(text) < len(want) || text[:len(want)] != want {
			t.Fatalf("reply %d: %s", i, text)
		}
	}
}

// askAndClose is a GET on a connection of its own, which is closed as soon as the last byte is there.
func (s *sluice) askAndClose(path string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, s.addr); err != nil {
		s.t.Fatal(err)
	}
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// What became of a reply is read from the connection.
func TestConfirmedIsWhatTheOtherSideHas(t *testing.T) {
	const reply = "reply"
	for name, c := range map[string]struct {
		client func(t *testing.T, conn *net.TCPConn, written <-chan struct{}) // closes
		want   bool
	}{
		"read, closed": {func(t *testing.T, conn *net.TCPConn, written <-chan struct{}) {
			<-written
			if _, err := io.ReadFull(conn, make([]byte, len(reply))); err != nil {
				t.Error(err)
			}
			_ = conn.Close()
		}, true},
		"end of requests, then read": {func(t *testing.T, conn *net.TCPConn, written <-chan struct{}) {
			_ = conn.CloseWrite()
			<-written
			if _, err := io.ReadFull(conn, make([]byte, len(reply))); err != nil {
				t.Error(err)
			}
		}, true},
		"closed, not read": {func(_ *testing.T, conn *net.TCPConn, written <-chan struct{}) {
			<-written
			_ = conn.Close()
		}, false},
		"closed before": {func(_ *testing.T, conn *net.TCPConn, written <-chan struct{}) {
			_ = conn.Close()
			<-written
		}, false},
		"open": {func(_ *testing.T, _ *net.TCPConn, written <-chan struct{}) { <-written }, false},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := pair(t)
			written := make(chan struct{})
			var client sync.WaitGroup
			client.Go(func() { c.client(t, there, written) })
			if name == "closed before" { // its end comes before the reply goes
				_, _ = here.Read(make([]byte, 1))
			}
			_, _ = io.WriteString(here, reply)
			close(written)
			client.Wait()
			if c.want {
				_, _ = here.Read(make([]byte, 1)) // the end has come
			}
			if got := confirmed(here); got != c.want {
				t.Errorf("confirmed: %v", got)
			}
		})
	}
}

// pair is the two ends of a connection.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	return accepted.(*net.TCPConn), conn.(*net.TCPConn)
}
