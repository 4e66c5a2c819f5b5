package httpconn

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server/patience"
)

// Fate is what is known of an answer that was handed to its connection.
type Fate int

// What may become of an answer. Only the client's machine can be asked: it confirms bytes before the client reads them. If
// the client closes the connection and has not read all, its machine resets the connection (RFC 1122, 4.2.2.13).
const (
	UnderWay Fate = iota // the client's machine has not confirmed it
	Arrived              // the client's machine has confirmed it. The connection may still be reset
	Read                 // the connection ended in order after that
	Lost                 // the connection was reset, or ended before the answer was confirmed
)

// Receipt tells what becomes of an answer.
type Receipt struct {
	conn  *Conn        // nil if the request came over no connection of ours
	one   bool         // the connection carries one answer after the other
	until atomic.Int64 // bytes of the connection that the client must confirm; 0 before the first question
}

// ReceiptOf returns the receipt for the answer to a request. All of the answer was handed to net/http.
func ReceiptOf(r *http.Request) *Receipt {
	conn, _ := r.Context().Value(connKey{}).(*Conn)
	receipt := &Receipt{conn: conn, one: connOf(r) != nil}
	if receipt.one {
		conn.lingers.Store(true) // if the connection ends with this answer, its end tells whether the client read it
	}
	return receipt
}

// Follows reports whether the answer shows that the client has read an earlier one: it asked again over the connection.
func (r *Receipt) Follows(earlier *Receipt) bool { return r.one && r.conn == earlier.conn }

// Fate returns what is known now.
func (r *Receipt) Fate() Fate {
	switch {
	case r.conn == nil:
		return Read
	case r.until.Load() == 0: // net/http has written the answer by the time that somebody asks
		r.until.CompareAndSwap(0, r.conn.end.written.Load())
	}
	return r.conn.fate(r.until.Load())
}

// Await waits until the client's machine has confirmed the answer, or the answer is lost. A machine may confirm up to
// half a second after its client has read. The kernel tells nobody, so it is asked again and again until ctx ends.
func (r *Receipt) Await(ctx context.Context) Fate {
	fate := r.Fate()
	if fate != UnderWay {
		return fate
	}
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for fate == UnderWay && ctx.Err() == nil {
		select {
		case <-again.C:
			fate = r.Fate()
		case <-ctx.Done():
		}
	}
	return fate
}

// connEnd is how a connection ends.
type connEnd struct {
	written  atomic.Int64 // bytes of answers
	finished atomic.Bool  // sluice sends nothing more: its end has the place of one byte
	reset    atomic.Bool  // seen by linger

	mu        sync.Mutex // guards what follows; the socket is open while it is not over
	over      bool
	confirmed int64 // bytes that the client's machine had confirmed at the end, -1 after a reset
}

// fate returns what is known of the bytes up to a place.
func (c *Conn) fate(until int64) Fate {
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	if c.end.over && c.end.confirmed >= until {
		return Read
	}
	if c.end.over {
		return Lost
	}
	confirmed, closed := c.confirmedBytes()
	switch {
	case closed && !c.end.finished.Load():
		return Lost
	case !closed && confirmed >= until:
		return Arrived
	}
	return UnderWay // a connection that both sides have ended is closed in a moment, and then it is known how
}

// confirmedBytes returns how many bytes the client's machine has confirmed. closed says that the connection is none any
// more: it was reset, or both sides have ended it.
func (c *Conn) confirmedBytes() (n int64, closed bool) {
	written, raw := c.end.written.Load(), patience.Socket(c.Conn)
	if raw == nil {
		return written, false
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		closed = err == nil && info.State == tcpClose
	})
	held := int64(patience.Held(raw))
	if c.end.finished.Load() {
		held = max(0, held-1)
	}
	return written - held, closed
}

// tcpClose is the state of a connection that is none any more (TCP_CLOSE, tcp_states.h).
const tcpClose = 7

// noteEnd notes how the connection ended, right before it is closed.
func (c *Conn) noteEnd() {
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	if c.end.over {
		return
	}
	c.end.over = true
	confirmed, closed := c.confirmedBytes()
	if c.end.finished.Load() {
		closed = c.end.reset.Load() || c.failed()
	}
	if c.end.confirmed = confirmed; closed {
		c.end.confirmed = -1
	}
}

// failed tells whether the kernel has an error of the connection that nobody has read yet.
func (c *Conn) failed() (is bool) {
	if raw := patience.Socket(c.Conn); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
			is = err == nil && code != 0
		})
	}
	return is
}

// noteReset takes the error that ended the reading of a connection.
func (c *Conn) noteReset(err error) {
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.end.reset.Store(true)
	}
}
