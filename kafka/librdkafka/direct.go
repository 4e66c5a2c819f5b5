package librdkafka

// #include "abi.h"
import "C"

import "unsafe"

// What every record costs goes to C directly, on the thread's own stack, without cgo's bookkeeping. cgo tells the
// scheduler at each call that the goroutine may be away for long. The first call after a moment without work then
// wakes the runtime's watching thread, which takes the processor from the very goroutine that had something to do
// (half of the context switches, and a quarter of sluice's processor time, of a record that somebody waits for), and
// a call that the kernel preempts has another thread started in its place.
//
// In exchange such a call holds up the garbage collector, and must be short: it never waits, never calls back
// into Go, and handles some hundreds of records at most; done frees what one answer of a broker reported, up to
// batch.num.messages records. The runtime calls C itself in this way, and the race detector. Should a later Go refuse
// it, calls through cgo do the same.
//
//go:linkname asmcgocall runtime.asmcgocall
//go:noescape
func asmcgocall(function, argument unsafe.Pointer) int32

func (p *producing) run() { asmcgocall(C.sluice_produce_packed, unsafe.Pointer(p)) }

func (p *polling) run() { asmcgocall(C.sluice_poll, unsafe.Pointer(p)) }

func (r *reporting) run() { asmcgocall(C.sluice_reports, unsafe.Pointer(r)) }

func (f *fetching) run() { asmcgocall(C.sluice_fetch, unsafe.Pointer(f)) }

func (f *fetching) free() { asmcgocall(C.sluice_free, unsafe.Pointer(f)) }

func (c *counting) run() { asmcgocall(C.sluice_count, unsafe.Pointer(c)) }

// hurry wakes a thread at most.
func (h *hurrier) hurry() { asmcgocall(C.sluice_hurry, unsafe.Pointer(h)) }

type (
	hurrier   C.sluice_hurrier
	producing C.sluice_producing
	polling   C.sluice_polling
	reporting C.sluice_reporting
	fetching  C.sluice_fetching
	counting  C.sluice_counting
)

// poll takes the next event of a queue, nil when there is none, and its type.
func poll(queue *C.rd_kafka_queue_t) (*C.rd_kafka_event_t, C.int) {
	p := polling{queue: queue}
	p.run()
	return p.event, p._type
}

// done gives an event back.
func done(event *C.rd_kafka_event_t) { asmcgocall(C.rd_kafka_event_destroy, unsafe.Pointer(event)) }
