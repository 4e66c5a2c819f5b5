package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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
		conn, in := s.dial()
		s.write(conn, "GET %s/records?max_bytes=1 HTTP/1.1\r\nHost: %s\r\n\r\n", w1, s.addr)
		text := s.bodyOf(in)
		_ = conn.Close()
		if want := fmt.Sprintf(`[{"topic":"blobs","key":null,"value":%d,"partition":0,"offset":%d,`, i, i); !strings.HasPrefix(text, want) {
			t.Fatalf("reply %d: %s", i, text)
		}
	}
}

// bodyOf reads a reply, and does not look at it as answered does: that takes time.
func (s *sluice) bodyOf(in *bufio.Reader) string {
	s.t.Helper()
	got, err := http.ReadResponse(in, nil)
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
	type end func(*net.TCPConn) error
	reads := func(c *net.TCPConn) error { _, err := io.ReadFull(c, make([]byte, len(reply))); return err }
	closes, asksNoMore := (*net.TCPConn).Close, (*net.TCPConn).CloseWrite
	for name, c := range map[string]struct {
		before, after []end // of the reply
		want          bool
	}{
		"read, closed":               {nil, []end{reads, closes}, true},
		"end of requests, then read": {[]end{asksNoMore}, []end{reads}, true},
		"closed, not read":           {nil, []end{closes}, false},
		"closed before":              {[]end{closes}, nil, false},
		"open":                       {nil, []end{reads}, false},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := pair(t)
			does := func(steps []end) {
				for _, step := range steps {
					if err := step(there); err != nil {
						t.Fatal(err)
					}
				}
			}
			does(c.before)
			if c.before != nil {
				wantEnd(t, here)
			}
			if _, err := io.WriteString(here, reply); err != nil {
				t.Fatal(err)
			}
			does(c.after)
			if c.want {
				wantEnd(t, here)
			}
			if got := confirmed(here); got != c.want {
				t.Errorf("confirmed: %v", got)
			}
		})
	}
}

// wantEnd waits until the other side's end has come.
func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
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
