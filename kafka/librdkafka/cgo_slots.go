package librdkafka

import "runtime"

// cgoSlots has a slot for each processor. Calls of consumers that go through cgo hold one: a goroutine in cgo holds a
// thread, and the Go runtime starts another thread for each that the kernel preempts there. The consumers of fifty groups
// would cost a score of threads more otherwise. No call waits for a broker while it holds a slot.
var cgoSlots = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

// acquireSlot waits for a slot, and returns the function that releases it.
func acquireSlot() (release func()) {
	cgoSlots <- struct{}{}
	return func() { <-cgoSlots }
}
