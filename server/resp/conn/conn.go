// Package conn is the socket of a Redis client, which wakes its goroutine from any wait.
//
// The goroutine blocks in one place, the read. It may also wait for a delivery report, a record or the drain. Each of
// these calls Wake, which ends the read by a deadline in the past. So one goroutine notices at once that its client
// hangs up, whatever else it waits for, and an idle connection holds no buffer.
//
// The build tag plainruntime leaves out what works around Go's scheduler: syscall_raw.go, spin.go and yield.go.
package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// Conn is the socket of one client. Its methods belong to the connection's goroutine, where they do not say otherwise.
//
// To wait without missing a Wake: call Arm, look at what may have changed, then call Fill or Await.
type Conn struct {
	Reader *protocol.Reader // parses what Fill has read

	socket net.Conn
	raw    syscall.RawConn

	woken    atomic.Bool
	severed  atomic.Bool
	deadline time.Time // when Fill or Await gives up, as set by Arm
	timer    lazyTimer // wakes at the deadline
	// expired says that the deadline of the socket is in the past, and must be lifted before the next wait. A Wake that
	// was under way during Arm leaves expired set without woken.
	expired bool
	// halfClosed says that the client sends nothing more; Await does not look for its end then.
	halfClosed bool

	turn  turn
	calls callbacks
}

// Socket is a connection of TCP, or of a unix socket.
type Socket interface {
	net.Conn
	syscall.Conn
}

// New makes the connection of a client. The limits bound its commands.
func New(socket Socket, limits protocol.Limits) (*Conn, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{socket: socket, raw: raw, Reader: protocol.NewReader(limits)}
	c.timer.fire = c.Wake
	c.calls = callbacks{read: c.tryRead, write: c.tryWrite, progress: c.tryProgress, hungUp: c.tryHungUp}
	return c, nil
}

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.socket.RemoteAddr() }

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// Wake ends the Fill or Await that is under way, or the next one. Any goroutine may call it.
func (c *Conn) Wake() {
	if c.woken.CompareAndSwap(false, true) {
		_ = c.socket.SetReadDeadline(past)
	}
}

// Arm forgets earlier calls of Wake, and sets when the next Fill or Await gives up. The zero time is never.
func (c *Conn) Arm(deadline time.Time) {
	calm := !c.expired && !c.woken.Load()
	if calm && deadline.Equal(c.deadline) {
		return
	}
	if !calm {
		// The order matters. A Wake between the two lines is lost, but its cause is not: the caller looks at its state
		// after Arm.
		_ = c.socket.SetReadDeadline(time.Time{})
		c.woken.Store(false)
		c.expired = false
	}
	c.deadline = deadline
	c.timer.set(deadline)
}

// ArmedFor tells whether the next wait ends at the deadline.
func (c *Conn) ArmedFor(deadline time.Time) bool { return deadline.Equal(c.deadline) }

// ErrWoken ends a Fill or Await that has nothing to report: Wake was called, or the deadline came.
var ErrWoken = errors.New("woken")

// Await waits for a Wake or the deadline without reading. io.EOF means that the client hung up, even if it sent bytes
// that were not read yet.
func (c *Conn) Await() error {
	c.calls.err = nil
	if err := c.raw.Read(c.calls.hungUp); err != nil {
		return c.waitError(err)
	}
	return io.EOF
}

// waitError turns the end of the socket's deadline into ErrWoken.
func (c *Conn) waitError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.expired = true
		return ErrWoken
	}
	return err
}

// HalfClose notes that the client sends nothing more. It may still read replies.
func (c *Conn) HalfClose() { c.halfClosed = true }

// HalfClosed tells whether HalfClose was called.
func (c *Conn) HalfClosed() bool { return c.halfClosed }

// Sever ends every wait and write, now and later. Any goroutine may call it.
func (c *Conn) Sever() {
	c.severed.Store(true)
	c.Wake()
	_ = c.socket.SetWriteDeadline(past)
}

// How long, and for how many bytes, Finish reads on.
const (
	finishTime  = 100 * time.Millisecond
	finishBytes = 16 << 20
)

// Finish tells the client that nothing more comes, and throws away what it still sends, for a moment. To close while it
// sends would reset the connection, and take answers from the client that it has not read yet.
func (c *Conn) Finish() {
	socket, ok := c.socket.(interface{ CloseWrite() error })
	if !ok || c.halfClosed || c.severed.Load() || socket.CloseWrite() != nil {
		return
	}
	c.timer.stop()
	_ = c.socket.SetReadDeadline(time.Now().Add(finishTime))
	_, _ = io.CopyN(io.Discard, c.socket, finishBytes)
}

// Close ends the connection.
func (c *Conn) Close() {
	c.timer.stop()
	_ = c.socket.Close()
}
