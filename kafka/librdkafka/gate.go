package librdkafka

// #include "abi.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// LimitHeap says how many bytes of the C heap may be in use before answers to fetches are held back, whoever uses them;
// 0, as at first, is no bound.
//
//checker:seam limit-of-the-heap
func (c *Consumer) LimitHeap(heap int64) {
	if heap != c.bound {
		defer enter()()
		c.bound = heap
		C.sluice_gate_limit(c.gate, C.int64_t(heap))
	}
}

// HoldsResponses tells whether an answer to a fetch waits because the heap is all but full. It waits for AdmitResponses, for memory
// that is freed, or for ten seconds.
func (c *Consumer) HoldsResponses() bool {
	if atomic.LoadInt32((*int32)(unsafe.Pointer(c.gate))) == 0 { // its first field: spares nearly all calls
		return false
	}
	defer enter()()
	return C.sluice_gate_held_back(c.gate) != 0
}

// AdmitResponses takes answers that wait: librdkafka drops what they bring of partitions that are paused.
func (c *Consumer) AdmitResponses() {
	defer enter()()
	C.sluice_gate_let_in(c.gate, 0)
}
