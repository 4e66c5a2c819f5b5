package rest

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// lineBuffer is what is read at once of a body that is streamed; a longer record makes it grow.
const lineBuffer = 64 << 10

// lines reads a body ahead of who uses it, by as much as one buffer: chunks holds whole records, which
// mostly are lines.
type lines struct {
	x      *exchange
	whole  func(unread []byte) int // how many of the unread bytes are whole records; the rest comes again, with more
	chunks chan []byte
	free   chan []byte
	enough chan struct{} // closed when nobody wants more
	done   chan struct{} // closed when reading has ended
	held   int64
	err    error // why there are no more: io.EOF for all was read; valid when chunks is closed
}

// lines begins to read. The caller ends it.
func (x *exchange) lines(whole func(unread []byte) int) *lines {
	l := &lines{
		x: x, whole: whole,
		chunks: make(chan []byte), free: make(chan []byte, 2), enough: make(chan struct{}), done: make(chan struct{}),
	}
	size := min(lineBuffer, x.opts.MaxBody) // a record that is too long must fill it
	for range cap(l.free) {
		l.hold(size)
		l.free <- make([]byte, 0, size)
	}
	go l.read()
	return l
}

// hold counts memory; false when all requests together have too much.
func (l *lines) hold(n int) bool {
	l.held += int64(n)
	return l.x.held.Add(int64(n)) <= int64(l.x.opts.MaxHeld)
}

// end stops the reading and waits for it. What is left of the body is dropped here: of one that is read in
// full duplex net/http does so only after it has looked for the next request.
func (l *lines) end() {
	close(l.enough)
	over := false
	select {
	case <-l.done:
		over = errors.Is(l.err, io.EOF)
	default: // it may wait for the client
	}
	if !over {
		_ = http.NewResponseController(l.x.w).SetReadDeadline(time.Unix(1, 0))
		<-l.done
		_ = l.x.r.Body.Close()
		l.x.w.Header().Set("Connection", "close") // where the answer has not begun
	}
	l.x.held.Add(-l.held)
}

func (l *lines) read() {
	defer close(l.chunks)
	defer close(l.done)
	buffer := <-l.free
	patience := http.NewResponseController(l.x.w)
	for l.err == nil {
		if len(buffer) == cap(buffer) {
			if buffer, l.err = l.grow(buffer); l.err != nil {
				return
			}
		}
		// The time is for each read: a stream may last.
		_ = patience.SetReadDeadline(time.Now().Add(l.x.opts.BodyTimeout))
		if l.isOver() { // end may have set its deadline just before
			return
		}
		n, err := l.x.r.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer, l.err = buffer[:len(buffer)+n], err
		whole := l.whole(buffer)
		if errors.Is(err, io.EOF) {
			l.x.clearReadDeadline()
			whole = len(buffer) // the last record may have no end; of a body that broke off it is none
		}
		if whole > 0 {
			buffer = l.pass(buffer, whole)
		}
	}
}

// isOver tells whether nobody wants more.
func (l *lines) isOver() bool {
	select {
	case <-l.enough:
		return true
	default:
		return false
	}
}

// pass gives whole records to who uses them, and goes on with the rest in another buffer.
func (l *lines) pass(buffer []byte, whole int) []byte {
	var next []byte
	select {
	case next = <-l.free:
	case <-l.enough:
		return buffer[:0]
	}
	if rest := len(buffer) - whole; cap(next) < rest {
		l.hold(rest)
		next = make([]byte, 0, rest)
	}
	next = append(next[:0], buffer[whole:]...)
	select {
	case l.chunks <- buffer[:whole]:
	case <-l.enough:
	}
	return next
}

func (l *lines) grow(buffer []byte) ([]byte, error) {
	if len(buffer) >= l.x.opts.MaxBody {
		return buffer, plain(http.StatusRequestEntityTooLarge, "a record has more than %d bytes", l.x.opts.MaxBody)
	}
	size := min(2*cap(buffer), l.x.opts.MaxBody)
	if !l.hold(size - cap(buffer)) {
		return buffer, unavailable("too many large requests at once")
	}
	return append(make([]byte, 0, size), buffer...), nil
}
