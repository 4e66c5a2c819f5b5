package exchange

import "sync"

func NewBuffer() *[]byte {
	out, _ := writeBuffers.Get().(*[]byte)
	return out
}

// FreeBuffer gives a buffer back, as it has grown. A large one is left to the garbage collector.
func FreeBuffer(buffer *[]byte, grown []byte) {
	if cap(grown) <= keptBytes {
		*buffer = grown[:0]
		writeBuffers.Put(buffer)
	}
}

// PieceBytes is what is written at once of an answer with records: it is in memory only so much of it.
const PieceBytes = 64 << 10

// writeBuffers are buffers for what is written. Who waits has none.
var writeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// bodyBuffers are for bodies. A large one is left to the garbage collector, so that a busy minute is not paid
// for all day.
var bodyBuffers = sync.Pool{New: func() any { return new([]byte) }}

const firstBody = 4 << 10

const (
	keptBytes = 256 << 10
)
