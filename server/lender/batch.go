package lender

import (
	"sync"

	"github.com/sluice-proxy/sluice/kafka"
)

// Batch is records that one worker is lent, with their leases. Records that need no acknowledgement have no leases.
type Batch struct {
	Records []kafka.Delivery
	Leases  []ID
}

// batches are used again: idle streams and waiting requests have none.
var batches = sync.Pool{New: func() any { return &Batch{} }}

func newBatch() *Batch {
	b, _ := batches.Get().(*Batch)
	return b
}

// Free gives the batch's memory back. The bytes of its records are not part of that: they belong to Kafka's side.
func (b *Batch) Free() {
	clear(b.Records)
	b.Records, b.Leases = b.Records[:0], b.Leases[:0]
	batches.Put(b)
}
