package exchange

import "sync"

// PieceBytes is how much of an answer with records is in memory before it is written.
const PieceBytes = 64 << 10

const (
	firstBody = 4 << 10   // the first buffer of a body
	keptBytes = 256 << 10 // larger buffers are not used again, so that a busy minute is not paid for all day
)

// writeBuffers are for answers. A request that waits has none.
var writeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// bodyBuffers are for the bodies of requests.
var bodyBuffers = sync.Pool{New: func() any { return new([]byte) }}

// NewBuffer returns a buffer for an answer.
func NewBuffer() *[]byte {
	out, _ := writeBuffers.Get().(*[]byte)
	return out
}

// FreeBuffer gives a buffer back, as it has grown.
func FreeBuffer(buffer *[]byte, grown []byte) {
	if cap(grown) <= keptBytes {
		*buffer = grown[:0]
		writeBuffers.Put(buffer)
	}
}
