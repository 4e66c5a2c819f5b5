package protocol

import (
	"math/bits"
	"sync"
)

// Buffers have sizes of powers of two from minBuffer to maxPooled, and all connections share them. A larger buffer is
// made for a large command, and left to the garbage collector.
const (
	minBuffer = 4 << 10
	maxPooled = 64 << 10
	classes   = 5 // 4, 8, 16, 32, 64 KiB
)

// buffer is what the pools hold: a pointer, because a slice in an interface would be allocated.
type buffer struct{ bytes []byte }

var pools [classes]sync.Pool

// takeBuffer returns a buffer of size bytes or, up to maxPooled, the next power of two.
func takeBuffer(size int) *buffer {
	if size > maxPooled {
		return &buffer{make([]byte, size)}
	}
	class := classOf(size)
	if b, ok := pools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, minBuffer<<class)}
}

func giveBuffer(b *buffer) {
	if b != nil && len(b.bytes) <= maxPooled {
		pools[classOf(len(b.bytes))].Put(b)
	}
}

// classOf is the smallest class with room for size bytes, at most maxPooled.
func classOf(size int) int {
	return max(0, bits.Len(uint(size-1))-bits.Len(minBuffer-1))
}

// window is the Reader's buffer: bytes received from start to end, parsed up to pos. The current
// command begins at start.
type window struct {
	owner           *buffer
	buf             []byte // owner's bytes; nil without a buffer
	start, pos, end int

	peak    int  // the highest end since the buffer was last empty
	full    bool // the last read filled the space: more would have come
	starved bool // Next has looked at all there is, and wants more
}

// Buffered is the number of bytes that belong to no command given out yet.
func (w *window) Buffered() int { return w.end - w.start }

// Filled says that n bytes, at most the length of Space, were put into it.
func (w *window) Filled(n int) {
	w.end += n
	w.peak = max(w.peak, w.end)
	w.full = w.end == len(w.buf)
	w.starved = w.starved && n == 0
}

// Space returns where the next bytes from the socket go; it ends the life of what Next returned
// before. The buffer doubles when bytes really received have filled it, never because a header
// announced more. Ask Next until it has nothing more before asking for space: only then is there
// always some. If commands that nobody took pile up beyond Limits.Command, Space returns nothing.
func (r *Reader) Space() []byte {
	w := &r.window
	r.closeGap()
	w.compact()
	switch size := len(w.buf); {
	case size == 0:
		w.move(minBuffer)
	case !w.starved && w.end >= max(r.limits.Command, minBuffer):
		return nil
	case w.end == size, w.full && size < maxPooled:
		w.move(r.grown(size))
	case w.end == 0 && size > maxPooled && w.peak < size/4:
		w.move(maxPooled) // give back the memory of a large command long ago
	}
	if w.end == 0 {
		w.peak = 0
	}
	return w.buf[w.end:]
}

// grown is twice the size, but not more than the longest command with its headers takes. A command
// begun under wider limits may still go beyond.
func (r *Reader) grown(size int) int {
	longest := r.limits.Command + r.limits.Args*maxHeader + minBuffer
	if size < longest {
		return min(2*size, longest)
	}
	return 2 * size
}

// compact moves the unfinished command to the front. A command is moved at most once, when the one
// before it was taken, so the work is linear in the bytes received.
func (w *window) compact() {
	if w.start == 0 {
		return
	}
	copy(w.buf, w.buf[w.start:w.end])
	w.pos -= w.start
	w.end -= w.start
	w.start = 0
}

// move changes to a buffer of the given size; compact comes first.
func (w *window) move(size int) {
	b := takeBuffer(size)
	copy(b.bytes, w.buf[:w.end])
	giveBuffer(w.owner)
	w.owner, w.buf, w.full = b, b.bytes, false
}

// drop gives the buffer away, with all that is in it.
func (w *window) drop() {
	giveBuffer(w.owner)
	*w = window{starved: w.starved}
}
