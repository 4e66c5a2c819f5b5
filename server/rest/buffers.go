package rest

import "sync"

func newOut() *[]byte {
	out, _ := outs.Get().(*[]byte)
	return out
}

// freeOut gives a buffer back, as it has grown. A large one is left to the garbage collector.
func freeOut(buffer *[]byte, grown []byte) {
	if cap(grown) <= keptBuffer {
		*buffer = grown[:0]
		outs.Put(buffer)
	}
}

// spillBytes is what is written at once of an answer with records: it is in memory only so much of it.
const spillBytes = 64 << 10

// outs are buffers for what is written. Who waits has none.
var outs = sync.Pool{New: func() any { return new([]byte) }}

// buffers are for bodies. A large one is left to the garbage collector, so that a busy minute is not paid
// for all day.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const firstBuffer = 4 << 10

const (
	keptBuffer = 256 << 10
)
