package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// writeLimit is how long a client may read nothing.
const writeLimit = 400 * time.Millisecond

// A client that reads its replies steadily is not cut, though its socket takes nothing for longer than the limit.
func TestASlowReaderIsNotCut(t *testing.T) {
	t.Parallel()
	const replies = 8 << 20
	for {
		c, there := connected(t)
		reader := readSlowly(there)
		err := c.Send(make([]byte, replies), writeLimit)
		c.Close()
		read := <-reader
		if err == nil && read.n == replies {
			return
		}
		if !read.held { // otherwise the machine did not let the client read
			t.Fatalf("read %d bytes, %v", read.n, err)
		}
	}
}

// reading is what a client has read, and whether it could not read for half the limit.
type reading struct {
	n    int64
	held bool
}

// readSlowly reads some bytes now and then until the end.
func readSlowly(conn net.Conn) <-chan reading {
	ended := make(chan reading, 1)
	go func() {
		var r reading
		last := time.Now()
		tick := time.NewTicker(writeLimit / 50)
		defer tick.Stop()
		for now := range tick.C {
			r.held = r.held || now.Sub(last) > writeLimit/2
			last = now
			n, err := io.CopyN(io.Discard, conn, 16<<10)
			r.n += n
			if err != nil {
				ended <- r
				return
			}
		}
	}()
	return ended
}

func TestWhoReadsNothingIsCut(t *testing.T) {
	t.Parallel()
	c, _ := connected(t)
	if err := c.Send(make([]byte, 64<<20), writeLimit); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestASeveredConnectionSendsNoMore(t *testing.T) {
	t.Parallel()
	c, _ := connected(t)
	sent := make(chan error, 1)
	go func() { sent <- c.Send(make([]byte, 64<<20), time.Hour) }()
	c.Sever()
	if err := <-sent; err == nil {
		t.Error("sent 64 MiB to a client that does not read")
	}
}

// connected is a connection with a client whose buffer is small.
func connected(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	here, there := accepted.(*net.TCPConn), client.(*net.TCPConn)
	if err := errors.Join(here.SetWriteBuffer(2<<20), there.SetReadBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
	c, err := New(here, protocol.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, client
}
