package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server/patience"
)

// callbacks are what syscall.RawConn calls, and what the calls leave behind. They are made once: every use of a method
// value would cost an allocation.
type callbacks struct {
	read, write, progress, hungUp func(fd uintptr) (done bool)

	err    error
	unsent []byte
}

// Fill waits for bytes from the client and reads them into the Reader.
func (c *Conn) Fill() error {
	if err := c.raw.Read(c.calls.read); err != nil {
		return c.waitError(err)
	}
	return c.calls.err
}

// tryRead reads once, or as long as it spins. It holds a buffer only while there is something to put into it.
func (c *Conn) tryRead(fd uintptr) bool {
	n, err := c.turn.read(fd, c.Reader)
	switch {
	case err == syscall.EAGAIN: //nolint:errorlint // an Errno, never wrapped
		c.Reader.Release()
		return false
	case err != nil:
		c.calls.err = err
	case n == 0:
		c.calls.err = io.EOF
	default:
		c.Reader.Filled(n)
		c.calls.err = nil
	}
	return true
}

func (c *Conn) tryHungUp(fd uintptr) bool { return !c.halfClosed && peerClosed(fd) }

// Unread tells whether the client has sent bytes that were not read yet.
func (c *Conn) Unread() bool {
	n := 0
	_ = c.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n > 0
}

// HungUp tells whether the client has closed its side. Any goroutine may call it.
func (c *Conn) HungUp() bool {
	closed := false
	err := c.raw.Control(func(fd uintptr) { closed = peerClosed(fd) })
	return closed || err != nil
}

// Send writes b. It fails when the client reads nothing for as long as the limit.
func (c *Conn) Send(b []byte, limit time.Duration) error {
	c.calls.unsent = b
	if err := c.raw.Write(c.calls.write); err != nil {
		return err
	}
	if c.calls.err != nil || len(c.calls.unsent) == 0 {
		return c.calls.err
	}
	return c.sendSlowly(limit)
}

// tryWrite writes once, whatever the socket takes.
func (c *Conn) tryWrite(fd uintptr) bool {
	n, err := writeOnce(fd, c.calls.unsent)
	c.calls.err = nil
	if err != nil && err != syscall.EAGAIN { //nolint:errorlint // an Errno, never wrapped
		c.calls.err = err
		return true
	}
	c.calls.unsent = c.calls.unsent[max(n, 0):]
	return true
}

// sendSlowly writes the rest to a client whose receive window is full, as long as the client reads.
func (c *Conn) sendSlowly(limit time.Duration) error {
	var reading patience.Reading
	for took := true; len(c.calls.unsent) > 0; {
		if reading.Stopped(patience.Held(c.raw), took) {
			return os.ErrDeadlineExceeded
		}
		if err := c.socket.SetWriteDeadline(time.Now().Add(patience.LookEvery(limit))); err != nil {
			return err
		}
		if c.severed.Load() {
			return net.ErrClosed
		}
		before := len(c.calls.unsent)
		if err := c.raw.Write(c.calls.progress); err != nil && (c.severed.Load() || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
		if c.calls.err != nil {
			return c.calls.err
		}
		took = len(c.calls.unsent) < before
	}
	return c.socket.SetWriteDeadline(time.Time{})
}

// tryProgress writes once, and waits until the socket has taken a byte.
func (c *Conn) tryProgress(fd uintptr) bool {
	before := len(c.calls.unsent)
	c.tryWrite(fd)
	return c.calls.err != nil || len(c.calls.unsent) < before
}
