package resp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/protocol"
)

// wire is a session's socket. Its goroutine blocks in one place, the read; everything else that the
// session may wait for (a delivery report, a record, the drain) ends that read by wake, which sets a
// read deadline in the past. So one goroutine hears its client hang up at once, whatever else it
// waits for, and an idle connection holds no buffer.
//
// To wait without losing a wake: arm, look at the state, then read or await.
type wire struct {
	conn   net.Conn
	raw    syscall.RawConn
	reader *protocol.Reader

	woken    atomic.Bool
	severed  atomic.Bool
	deadline time.Time // as last armed
	alarm    alarm     // wakes at the deadline
	// expired: the deadline of the socket is over, and must be lifted before the next wait. A wake
	// that was under way during arm sets it without leaving woken set.
	expired bool
	// halfClosed: the client will send nothing more, and await does not look for it any more.
	halfClosed bool
	eager      bool // the next read is
	unslept    int  // reads in a row that found something at once

	// What the callbacks of raw leave behind. The callbacks are made once: a method value costs an
	// allocation each time it is made.
	readable, gone func(fd uintptr) bool
	writable       func(fd uintptr) bool
	progress       func(fd uintptr) bool
	err            error
	pending        []byte
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

func newWire(conn *net.TCPConn, limits protocol.Limits) (*wire, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, raw: raw, reader: protocol.NewReader(limits)}
	w.alarm.ring = w.wake
	w.readable, w.writable, w.progress = w.tryRead, w.tryWrite, w.tryProgress
	w.gone = func(fd uintptr) bool { return !w.halfClosed && closedThere(fd) }
	return w, nil
}

// wake ends the read or await that is under way, or the next one. Any goroutine may call it.
func (w *wire) wake() {
	if w.woken.CompareAndSwap(false, true) {
		_ = w.conn.SetReadDeadline(past)
	}
}

// arm forgets earlier wakes and sets when the next read or await gives up; zero is never.
func (w *wire) arm(deadline time.Time) {
	calm := !w.expired && !w.woken.Load()
	if calm && deadline.Equal(w.deadline) {
		return
	}
	if !calm {
		// In this order: a wake between the two lines changes nothing, but its cause is seen by the
		// look at the state that follows arm.
		_ = w.conn.SetReadDeadline(time.Time{})
		w.woken.Store(false)
		w.expired = false
	}
	w.deadline = deadline
	w.alarm.set(deadline)
}

// armedFor tells whether the next wait would end at the deadline.
func (w *wire) armedFor(deadline time.Time) bool { return deadline.Equal(w.deadline) }

// errWoken ends a read or await before there is anything: by a wake or by the deadline.
var errWoken = errors.New("woken")

// fill reads what the client has sent into the reader, waiting for it.
func (w *wire) fill() error {
	if err := w.raw.Read(w.readable); err != nil {
		return w.readError(err)
	}
	return w.err
}

func (w *wire) readError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.expired = true
		return errWoken
	}
	return err
}

// eagerness is how long an eager read looks for more before it sleeps: to be woken takes about as long, and a
// client that waits for the answers to its pipeline sends the next one within that time.
const eagerness = 60 * time.Microsecond

// tryRead is one read(2), or as many as an eager one takes. It holds a buffer only while there is something to put
// into it.
func (w *wire) tryRead(fd uintptr) bool {
	read := readOnce
	if w.unslept++; w.unslept%seenEvery == 0 {
		read = readSeen
	}
	n, err := read(fd, w.reader.Space())
	if w.eager {
		w.eager = false
		for began := time.Now(); err == syscall.EAGAIN && time.Since(began) < eagerness; { //nolint:errorlint // as below
			n, err = readOnce(fd, w.reader.Space())
		}
	}
	switch {
	case err == syscall.EAGAIN: //nolint:errorlint // an Errno, never wrapped
		w.reader.Release()
		w.unslept = 0
		return false
	case err != nil:
		w.err = err
	case n == 0:
		w.err = io.EOF
	default:
		w.reader.Filled(n)
		w.err = nil
	}
	return true
}

// await waits for a wake or the deadline without reading; io.EOF means that the client hung up,
// even behind bytes that were not read yet.
func (w *wire) await() error {
	w.err = nil
	if err := w.raw.Read(w.gone); err != nil {
		return w.readError(err)
	}
	return io.EOF
}

// unread tells whether the client has sent something that was not read yet.
func (w *wire) unread() bool {
	n := 0
	_ = w.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	return n > 0
}

// hungUp tells whether the client has closed its side. Any goroutine may call it.
func (w *wire) hungUp() bool {
	gone := false
	err := w.raw.Control(func(fd uintptr) { gone = closedThere(fd) })
	return gone || err != nil
}

// send writes b; a client that takes no byte of it for the limit is an error.
func (w *wire) send(b []byte, limit time.Duration) error {
	w.pending = b
	if err := w.raw.Write(w.writable); err != nil {
		return err
	}
	if w.err != nil || len(w.pending) == 0 {
		return w.err
	}
	return w.sendSlowly(limit)
}

// tryWrite is one write(2), whatever it takes.
func (w *wire) tryWrite(fd uintptr) bool {
	n, err := writeOnce(fd, w.pending)
	w.err = nil
	if err != nil && err != syscall.EAGAIN { //nolint:errorlint // an Errno, never wrapped
		w.err = err
		return true
	}
	w.pending = w.pending[max(n, 0):]
	return true
}

// sendSlowly writes the rest to a client whose receive window is full.
func (w *wire) sendSlowly(limit time.Duration) error {
	for len(w.pending) > 0 {
		if err := w.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		if w.severed.Load() {
			return net.ErrClosed
		}
		if err := w.raw.Write(w.progress); err != nil {
			return err
		}
		if w.err != nil {
			return w.err
		}
	}
	return w.conn.SetWriteDeadline(time.Time{})
}

// tryProgress is tryWrite, until it has taken a byte.
func (w *wire) tryProgress(fd uintptr) bool {
	before := len(w.pending)
	w.tryWrite(fd)
	return w.err != nil || len(w.pending) < before
}

// sever ends every wait and write of the session, now and later. Any goroutine may call it.
func (w *wire) sever() {
	w.severed.Store(true)
	w.wake()
	_ = w.conn.SetWriteDeadline(past)
}

// close ends the connection and gives the buffer back.
func (w *wire) close() {
	w.alarm.stop()
	_ = w.conn.Close()
}
