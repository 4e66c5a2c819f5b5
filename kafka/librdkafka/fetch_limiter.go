package librdkafka

// #include "sluice.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// LimitHeap sets the size of the C heap, in bytes, above which the consumer's fetch responses wait. The size counts what all
// consumers and producers use. 0 is no limit; a new consumer has none.
//
//checker:seam limit-of-the-heap
func (c *Consumer) LimitHeap(limit int64) {
	if limit != c.limit {
		defer acquireSlot()()
		c.limit = limit
		C.sluice_fetch_limiter_set(c.limiter, C.int64_t(limit))
	}
}

// HoldsResponses tells whether a fetch response waits because the heap is nearly full. It waits for AdmitResponses, for
// memory that is freed, or for ten seconds.
func (c *Consumer) HoldsResponses() bool {
	if atomic.LoadInt32((*int32)(unsafe.Pointer(c.limiter))) == 0 { // the field waiting: spares nearly all calls
		return false
	}
	defer acquireSlot()()
	return C.sluice_fetch_limiter_holds(c.limiter) != 0
}

// AdmitResponses ends the wait of the fetch responses. librdkafka drops the records of paused partitions.
func (c *Consumer) AdmitResponses() {
	defer acquireSlot()()
	C.sluice_fetch_limiter_admit(c.limiter, 0)
}
