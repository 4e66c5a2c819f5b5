//go:build !plaincgo

package librdkafka

// #include "call_asm.h"
import "C"

import "unsafe"

// The functions of this file are the calls into C that every record costs. call_cgo.go has the same functions.

// asmcgocall calls a C function on the thread's own stack, without cgo's bookkeeping. cgo tells the scheduler at each
// call that the goroutine may be away for long. After a moment without work, the first such call wakes the runtime's
// monitor thread, which then takes the processor from the goroutine. When the kernel preempts the thread inside cgo, the
// runtime starts another thread.
//
// A call that the scheduler does not see delays the garbage collector, so it must be short. These calls never wait, never
// call back into Go, and handle some hundreds of records at most. Only destroyEvent may free more: all the records that
// one response of a broker reported, at most batch.num.messages.
//
// The runtime does not promise to keep this function; call_cgo.go does the same through cgo.
//
//go:linkname asmcgocall runtime.asmcgocall
//go:noescape
func asmcgocall(function, argument unsafe.Pointer) int32

// producePacked has librdkafka take packed records of one topic; see sluice_produce_packed.
func producePacked(rk *C.rd_kafka_t, rkt *C.rd_kafka_topic_t, records []byte) C.sluice_produced {
	call := C.sluice_produce_packed_call{rk: rk, rkt: rkt, records: (*C.char)(unsafe.Pointer(unsafe.SliceData(records))), len: C.size_t(len(records))}
	asmcgocall(C.sluice_call_produce_packed, unsafe.Pointer(&call))
	return call.result
}

// pollQueue takes the next event of a queue, nil when the queue is empty, and its type.
func pollQueue(queue *C.rd_kafka_queue_t) (*C.rd_kafka_event_t, C.rd_kafka_event_type_t) {
	call := C.sluice_poll_call{queue: queue}
	asmcgocall(C.sluice_call_poll, unsafe.Pointer(&call))
	return call.result.event, call.result._type
}

// moveReports fills out with delivery reports of an event, and returns their number. It is 0 when there are no more.
func moveReports(event *C.rd_kafka_event_t, out []Report, first C.int) int {
	call := C.sluice_reports_call{event: event, out: (*C.sluice_report)(unsafe.Pointer(&out[0])), size: C.size_t(len(out)), first: first}
	asmcgocall(C.sluice_call_reports, unsafe.Pointer(&call))
	return int(call.result)
}

// fetchMessages fills messages and out from a partition's queue; see sluice_fetch.
func fetchMessages(queue *C.rd_kafka_queue_t, messages []C.uintptr_t, out []C.sluice_message, bytes int) C.sluice_fetched {
	call := C.sluice_fetch_call{queue: queue, messages: &messages[0], out: &out[0], size: C.size_t(len(messages)), bytes: C.size_t(bytes)}
	asmcgocall(C.sluice_call_fetch, unsafe.Pointer(&call))
	return call.result
}

// freeMessages gives fetched messages back to librdkafka.
func freeMessages(messages []C.uintptr_t) {
	call := C.sluice_free_call{messages: unsafe.SliceData(messages), count: C.size_t(len(messages))}
	asmcgocall(C.sluice_call_free, unsafe.Pointer(&call))
}

// queueLength is the number of messages and errors in a queue.
func queueLength(queue *C.rd_kafka_queue_t) int {
	call := C.sluice_queue_length_call{queue: queue}
	asmcgocall(C.sluice_call_queue_length, unsafe.Pointer(&call))
	return int(call.result)
}

// destroyEvent gives an event back to librdkafka, with all that it holds.
func destroyEvent(event *C.rd_kafka_event_t) {
	asmcgocall(C.rd_kafka_event_destroy, unsafe.Pointer(event))
}

// flushSoon ends the lingering of records; see sluice_flush_soon.
func flushSoon(flusher *C.sluice_flusher) {
	asmcgocall(C.sluice_flush_soon, unsafe.Pointer(flusher))
}
