package httpconn

import (
	"errors"
	"io"
	"net"
	"testing"
)

// What became of a reply is read from the connection.
func TestConfirmedIsWhatTheOtherSideHas(t *testing.T) {
	t.Parallel()
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
