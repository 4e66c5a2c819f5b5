//go:build plaincgo

package librdkafka

// #include "sluice.h"
// #cgo noescape sluice_produce_packed
// #cgo nocallback sluice_produce_packed
// #cgo noescape sluice_poll
// #cgo nocallback sluice_poll
// #cgo noescape sluice_reports
// #cgo nocallback sluice_reports
// #cgo noescape sluice_fetch
// #cgo nocallback sluice_fetch
// #cgo noescape sluice_free
// #cgo nocallback sluice_free
// #cgo noescape rd_kafka_queue_length
// #cgo nocallback rd_kafka_queue_length
// #cgo noescape rd_kafka_event_destroy
// #cgo nocallback rd_kafka_event_destroy
// #cgo noescape sluice_flush_soon
// #cgo nocallback sluice_flush_soon
import "C"

import "unsafe"

// The functions of this file are those of call_asm.go, by way of cgo. None of them keeps a pointer into Go's memory, and
// none calls back into Go.

// producePacked has librdkafka take packed records of one topic; see sluice_produce_packed.
func producePacked(rk *C.rd_kafka_t, rkt *C.rd_kafka_topic_t, records []byte) C.sluice_produced {
	return C.sluice_produce_packed(rk, rkt, (*C.char)(unsafe.Pointer(unsafe.SliceData(records))), C.size_t(len(records)))
}

// pollQueue takes the next event of a queue, nil when the queue is empty, and its type.
func pollQueue(queue *C.rd_kafka_queue_t) (*C.rd_kafka_event_t, C.rd_kafka_event_type_t) {
	polled := C.sluice_poll(queue)
	return polled.event, polled._type
}

// moveReports fills out with delivery reports of an event, and returns their number. It is 0 when there are no more.
func moveReports(event *C.rd_kafka_event_t, out []Report, first C.int) int {
	return int(C.sluice_reports(event, (*C.sluice_report)(unsafe.Pointer(&out[0])), C.size_t(len(out)), first))
}

// fetchMessages fills messages and out from a partition's queue; see sluice_fetch.
func fetchMessages(queue *C.rd_kafka_queue_t, messages []C.uintptr_t, out []C.sluice_message, bytes int) C.sluice_fetched {
	return C.sluice_fetch(queue, &messages[0], &out[0], C.size_t(len(messages)), C.size_t(bytes))
}

// freeMessages gives fetched messages back to librdkafka.
func freeMessages(messages []C.uintptr_t) {
	C.sluice_free(unsafe.SliceData(messages), C.size_t(len(messages)))
}

// queueLength is the number of messages and errors in a queue.
func queueLength(queue *C.rd_kafka_queue_t) int { return int(C.rd_kafka_queue_length(queue)) }

// destroyEvent gives an event back to librdkafka, with all that it holds.
func destroyEvent(event *C.rd_kafka_event_t) { C.rd_kafka_event_destroy(event) }

// flushSoon ends the lingering of records; see sluice_flush_soon.
func flushSoon(flusher *C.sluice_flusher) { C.sluice_flush_soon(flusher) }
