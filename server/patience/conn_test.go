package patience

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// limit is how long a client may read nothing.
const limit = 400 * time.Millisecond

// A write goes on while the client reads, though the socket takes nothing for longer than the limit: a third of its buffer
// must be free before it does.
func TestAWriteGoesOnWhileTheClientReads(t *testing.T) {
	t.Parallel()
	for {
		here, there := pair(t)
		conn := With(here, limit)
		if err := conn.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		reader := readSlowly(there, limit)
		n, err := conn.Write(make([]byte, 8<<20))
		_ = here.Close()
		held := <-reader
		if err == nil && n == 8<<20 {
			return
		}
		if !held { // otherwise the machine did not let the client read
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
}

// readSlowly reads some bytes now and then until the end. It tells whether it could not read for half the limit.
func readSlowly(conn net.Conn, limit time.Duration) <-chan bool {
	ended := make(chan bool, 1)
	go func() {
		held, last := false, time.Now()
		tick := time.NewTicker(limit / 50)
		defer tick.Stop()
		for now := range tick.C {
			held = held || now.Sub(last) > limit/2
			last = now
			if _, err := io.CopyN(io.Discard, conn, 16<<10); err != nil {
				ended <- held
				return
			}
		}
	}()
	return ended
}

func TestAWriteEndsWhenTheClientReadsNothing(t *testing.T) {
	t.Parallel()
	here, _ := pair(t)
	conn := With(here, limit)
	if err := conn.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A deadline that is over, and one for reads as well, count as they are.
func TestADeadlineWithoutPatience(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(net.Conn) error{
		"over":     func(c net.Conn) error { return c.SetWriteDeadline(time.Unix(1, 0)) },
		"for both": func(c net.Conn) error { return c.SetDeadline(time.Now().Add(time.Millisecond)) },
	} {
		here, there := pair(t)
		conn := With(here, time.Hour)
		if err := errors.Join(conn.SetWriteDeadline(time.Now().Add(time.Hour)), set(conn)); err != nil {
			t.Fatal(err)
		}
		reader := readSlowly(there, limit)
		if n, err := conn.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		_ = here.Close()
		<-reader
	}
}

// Four looks in a row that find nothing end a write, after one that only begins.
func TestWhenAClientCountsAsOneThatDoesNotRead(t *testing.T) {
	t.Parallel()
	type look struct {
		held int
		took bool
	}
	still := look{100, false}
	for name, c := range map[string]struct {
		looks []look
		want  bool
	}{
		"nothing":           {[]look{still, still, still, still, still}, true},
		"not long enough":   {[]look{still, still, still, still}, false},
		"the client reads":  {[]look{still, still, still, {99, false}, still, {99, false}, {99, false}}, false},
		"the socket takes":  {[]look{still, still, still, {100, true}, still, still, still}, false},
		"it read, and ends": {[]look{{100, true}, {50, false}, {50, false}, {50, false}, {50, false}, {50, false}}, true},
		"more is held":      {[]look{still, {200, false}, {300, false}, {400, false}, {500, false}}, true},
	} {
		var r Reading
		got := false
		for _, l := range c.looks {
			got = r.Stopped(l.held, l.took)
		}
		if got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// pair is the two ends of a connection. The client's buffer is small.
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
	here, there = accepted.(*net.TCPConn), conn.(*net.TCPConn)
	if err := errors.Join(here.SetWriteBuffer(2<<20), there.SetReadBuffer(64<<10)); err != nil {
		t.Fatal(fmt.Errorf("buffers: %w", err))
	}
	return here, there
}
