package limits

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// client is a raw connection to the proxy.
type client struct {
	*net.TCPConn

	t     *testing.T
	bytes *bufio.Reader
}

// dial connects; the connection ends with the test.
func (p *proxy) dial(t *testing.T) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return p.adopt(t, conn)
}

func (p *proxy) adopt(t *testing.T, conn net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	deadline, _ := p.ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	return &client{TCPConn: conn.(*net.TCPConn), t: t, bytes: bufio.NewReaderSize(conn, 512)}
}

// send writes, and ignores that the proxy may have had enough already.
func (c *client) send(text string) { _, _ = io.WriteString(c.TCPConn, text) }

// line reads one line without its end.
func (c *client) line() string {
	c.t.Helper()
	line, err := c.bytes.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read %q, %v", line, err)
	}
	return strings.TrimRight(line, "\r\n")
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("got %q, want %q", got, want)
	}
}

func (c *client) ping() {
	c.t.Helper()
	c.send("PING\r\n")
	c.expect("+PONG")
}

// last reads until the proxy ends the connection and returns what it said. A connection that is still
// open when the test's time is over fails.
func (c *client) last() string {
	c.t.Helper()
	said, err := io.ReadAll(c.bytes)
	if err != nil && !cut(err) {
		c.t.Fatalf("the connection was not closed: %v", err)
	}
	return string(said)
}

// cut tells whether an error means that the other side ended the connection.
func cut(err error) bool {
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) &&
		(errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// flood writes the same bytes again and again until the proxy ends the connection, and returns how
// many it could write.
func (c *client) flood(chunk []byte) int {
	c.t.Helper()
	for n := 0; ; {
		written, err := c.Write(chunk)
		n += written
		if cut(err) {
			return n
		}
		if err != nil {
			c.t.Errorf("not cut after %d bytes: %v", n, err)
			return n
		}
	}
}

// leastShare bounds what an attack may cost another client: in the same time it gets at least one answer for so many of
// a server that nobody attacks. The machine of the test is shared, so times say little.
const leastShare = 20

// pingEvery is the pause between two pings of a witness.
const pingEvery = 5 * time.Millisecond

// witness is a client that behaves.
func (p *proxy) witness(t *testing.T) *client {
	t.Helper()
	c := p.dial(t)
	if p.guarded {
		c.send(command("AUTH", password))
		c.expect("+OK")
	}
	return c
}

// watch pings until stop is called, which returns how many pings were answered, and how many by a server that nobody
// attacks.
func (c *client) watch() (stop func() (served, control int)) {
	c.t.Helper()
	calm := c.calmServer()
	done := make(chan struct{})
	var served, control int
	var going sync.WaitGroup
	going.Go(func() { served = c.pingUntil(done) })
	going.Go(func() { control = calm.pingUntil(done) })
	return func() (int, int) {
		close(done)
		going.Wait()
		return served, control
	}
}

// pingUntil pings again and again, and returns how often: at least once.
func (c *client) pingUntil(done <-chan struct{}) (answered int) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		if err := c.pong(); err != nil {
			c.t.Errorf("another client was not served: %v", err)
			return answered
		}
		answered++
		select {
		case <-done:
			return answered
		case <-tick.C:
		}
	}
}

// calmServer is a connection to a server in this process that answers a line with a PONG.
func (c *client) calmServer() *client {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	server, err := l.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer server.Close()
		for lines := bufio.NewScanner(server); lines.Scan(); {
			_, _ = io.WriteString(server, "+PONG\r\n") // fails when the client has gone, and then there are no more lines
		}
	}()
	return &client{TCPConn: conn.(*net.TCPConn), t: c.t, bytes: bufio.NewReader(conn)}
}

func (c *client) pong() error {
	if _, err := io.WriteString(c.TCPConn, "PING\r\n"); err != nil {
		return err
	}
	line, err := c.bytes.ReadString('\n')
	if err == nil && line != "+PONG\r\n" {
		err = fmt.Errorf("got %q for a PING", line)
	}
	return err
}

// command encodes a command as an array.
func command(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}
