package produce

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// ChunkBytes is how many bytes of a streamed body are read at once. A longer record makes the buffer grow.
const ChunkBytes = 64 << 10

// chunkReader reads a body ahead of its user, by one buffer. A chunk holds whole records, which mostly are lines.
type chunkReader struct {
	x      *exchange.Exchange
	whole  func(unread []byte) int // returns how many of the unread bytes are whole records
	chunks chan []byte
	free   chan []byte
	enough chan struct{} // closed when nobody wants more
	done   chan struct{} // closed when reading has ended
	held   int64
	err    error // why reading has ended; io.EOF is the end of the body; valid after chunks is closed
}

// newChunkReader begins to read. The caller must call end.
func newChunkReader(x *exchange.Exchange, whole func(unread []byte) int) *chunkReader {
	l := &chunkReader{
		x: x, whole: whole,
		chunks: make(chan []byte), free: make(chan []byte, 2), enough: make(chan struct{}), done: make(chan struct{}),
	}
	size := min(ChunkBytes, x.Opts.MaxBody) // a record that is too long must fill the buffer
	for range cap(l.free) {
		l.hold(size)
		l.free <- make([]byte, 0, size)
	}
	go l.read()
	return l
}

// hold counts memory. It returns false if all requests together hold too much.
func (l *chunkReader) hold(n int) bool {
	l.held += int64(n)
	return l.x.Held.Add(int64(n)) <= int64(l.x.Opts.MaxHeld)
}

// end stops the reading and waits for it. It drops what is left of the body: in full duplex net/http would look for
// the next request before it drops anything.
func (l *chunkReader) end() {
	close(l.enough)
	over := false
	select {
	case <-l.done:
		over = errors.Is(l.err, io.EOF)
	default: // the reader may be waiting for the client
	}
	if !over {
		_ = http.NewResponseController(l.x.W).SetReadDeadline(time.Unix(1, 0))
		<-l.done
		_ = l.x.R.Body.Close()
		l.x.W.Header().Set("Connection", "close") // too late if the answer has begun
	}
	l.x.Held.Add(-l.held)
}

// read passes chunks on until the body ends, or nobody wants more.
func (l *chunkReader) read() {
	defer close(l.chunks)
	defer close(l.done)
	buffer := <-l.free
	patience := http.NewResponseController(l.x.W)
	for l.err == nil {
		if len(buffer) == cap(buffer) {
			if buffer, l.err = l.grow(buffer); l.err != nil {
				return
			}
		}
		// The time is for each read: a stream may last.
		_ = patience.SetReadDeadline(time.Now().Add(l.x.Opts.BodyTimeout))
		if l.isOver() { // or the deadline that end has set would be lost
			return
		}
		n, err := l.x.R.Body.Read(buffer[len(buffer):cap(buffer)])
		buffer, l.err = buffer[:len(buffer)+n], err
		whole := l.whole(buffer)
		if errors.Is(err, io.EOF) {
			l.x.ClearReadDeadline()
			whole = len(buffer) // the last record needs no end, unless the body broke off
		}
		if whole > 0 {
			buffer = l.pass(buffer, whole)
		}
	}
}

// isOver reports whether nobody wants more.
func (l *chunkReader) isOver() bool {
	select {
	case <-l.enough:
		return true
	default:
		return false
	}
}

// pass gives whole records to their user, and returns another buffer with the rest.
func (l *chunkReader) pass(buffer []byte, whole int) []byte {
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

// grow makes room for a longer record.
func (l *chunkReader) grow(buffer []byte) ([]byte, error) {
	if len(buffer) >= l.x.Opts.MaxBody {
		return buffer, exchange.Errorf(http.StatusRequestEntityTooLarge, "a record has more than %d bytes", l.x.Opts.MaxBody)
	}
	size := min(2*cap(buffer), l.x.Opts.MaxBody)
	if !l.hold(size - cap(buffer)) {
		return buffer, exchange.Unavailable("too many large requests at once")
	}
	return append(make([]byte, 0, size), buffer...), nil
}
