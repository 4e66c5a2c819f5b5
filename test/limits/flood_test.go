package limits

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func atMost(what string, got, limit int) error {
	if got > limit {
		return fmt.Errorf("%d %s, more than %d", got, what, limit)
	}
	return nil
}

// A line that never ends is cut after 4 KiB.
func TestEndlessLine(t *testing.T) {
	t.Parallel()
	p := serve(t)
	p.attack(t, 16*mebi, func() {
		p.dial(t).flood(bytes.Repeat([]byte("A"), 1000))
	})
}

// A command that comes byte by byte costs no more than one that comes whole, and works.
func TestDrip(t *testing.T) {
	t.Parallel()
	p := serve(t)
	c := p.dial(t)
	text := command(append([]string{"EXISTS"}, strings.Fields(strings.Repeat("k ", 1000))...)...)
	before := p.cpu(t)
	p.attack(t, 16*mebi, func() {
		for i := range len(text) {
			c.send(text[i : i+1])
		}
		c.expect(":0")
	})
	if used := p.cpu(t) - before; used > 3*time.Second {
		t.Errorf("%d bytes took %s of CPU", len(text), used)
	}
}

// Pipelines without end leave room for others.
func TestFairness(t *testing.T) {
	t.Parallel()
	p := serve(t)
	batch := []byte(strings.Repeat("PING\r\n", 1000))
	p.attack(t, 32*mebi, func() {
		var going sync.WaitGroup
		for range 4 {
			c := p.dial(t)
			deadline := time.Now().Add(2 * time.Second)
			going.Go(func() {
				for time.Now().Before(deadline) {
					_, _ = c.Write(batch)
				}
				_ = c.CloseWrite()
			})
			going.Go(func() {
				if n, err := io.Copy(io.Discard, c.bytes); err != nil || n == 0 {
					t.Errorf("%d bytes of replies, %v", n, err)
				}
			})
		}
		going.Wait()
	})
}

// A client that sends and never reads is cut after the write timeout; until then its replies do not
// pile up.
func TestRepliesNeverRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"large": command("PING", strings.Repeat("x", mebi)),
		"many":  strings.Repeat(command("COMMAND", "DOCS"), 200),
		"exec":  command("MULTI") + strings.Repeat(command("COMMAND", "DOCS"), 500) + command("EXEC"),
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, "resp: {write_timeout: 500ms}")
			p.attack(t, 64*mebi, func() {
				var going sync.WaitGroup
				for range 4 {
					c := p.dialSlow(t)
					going.Go(func() { c.flood([]byte(text)) })
				}
				going.Wait()
			})
		})
	}
}

// dialSlow connects with a receive buffer of a few KiB, so that the other side soon has to wait.
func (p *proxy) dialSlow(t *testing.T) *client {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if end := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		}); end != nil {
			return end
		}
		return err
	}}
	conn, err := dialer.DialContext(p.ctx, "tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return p.adopt(t, conn)
}

// A MONITOR that does not read is cut; nobody waits for it.
func TestMonitorNeverReads(t *testing.T) {
	t.Parallel()
	p := serve(t)
	m := p.dialSlow(t)
	m.send("CLIENT SETNAME lookout\r\nMONITOR\r\n")
	m.expect("+OK")
	m.expect("+OK")
	c := p.dial(t)
	line := command(append([]string{"EXISTS"}, strings.Fields(strings.Repeat(strings.Repeat("k", 64)+" ", 31))...)...)
	p.attack(t, 32*mebi, func() {
		for {
			for range 200 {
				c.send(line)
				c.expect(":0")
			}
			if !strings.Contains(p.clients(t), "name=lookout") {
				return
			}
		}
	})
}

// clients is what CLIENT LIST answers.
func (p *proxy) clients(t *testing.T) string {
	t.Helper()
	c := p.dial(t)
	defer c.Close()
	c.send("CLIENT LIST\r\nQUIT\r\n")
	return c.last()
}

// Transactions are remembered up to a bound; then EXEC does nothing.
func TestEndlessTransaction(t *testing.T) {
	t.Parallel()
	p := serve(t)
	p.attack(t, 64*mebi, func() {
		c := p.dial(t)
		c.send("MULTI\r\n")
		c.expect("+OK")
		value := command("ECHO", strings.Repeat("x", mebi/2))
		refused := false
		for range 100 {
			c.send(value)
			refused = strings.HasPrefix(c.line(), "-ERR ") || refused
		}
		if !refused {
			t.Error("50 MiB were queued")
		}
		c.send("EXEC\r\n")
		c.expect("-EXECABORT Transaction discarded because of previous errors.")
	})
}
