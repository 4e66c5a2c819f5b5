package librdkafka

// #include "abi.h"
// #include <stdlib.h>
import "C"

import (
	"unsafe"
)

// Header is one header of a record; names may repeat, a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

// Message is one fetched record. Key and Value are nil when they are null; all messages of one
// Fetch share one allocation for their bytes.
type Message struct {
	Offset    int64
	Timestamp int64 // milliseconds since the epoch, -1 when the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Queue holds one partition's fetched messages inside librdkafka, apart from all others: leaving
// it alone holds the partition back (its fetcher stops at queued.max.messages.kbytes) without a
// pause and without keeping other partitions waiting.
type Queue struct {
	consumer *Consumer
	queue    *C.rd_kafka_queue_t
}

// Queue detaches a partition from the consumer's common queue. Call it before Assign.
func (c *Consumer) Queue(topic string, partition int32) *Queue {
	defer enter()()
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	queue := C.rd_kafka_queue_get_partition(c.rk, name, C.int32_t(partition))
	if queue == nil {
		return nil
	}
	C.rd_kafka_queue_forward(queue, nil)
	c.watch(queue)
	return &Queue{consumer: c, queue: queue}
}

// Close gives the queue back; do so after Unassign and before the consumer is closed.
func (q *Queue) Close() {
	C.rd_kafka_queue_io_event_enable(q.queue, -1, nil, 0)
	C.rd_kafka_queue_destroy(q.queue)
}

// PartitionError is an error of a partition: an offset out of range, missing rights, a batch that cannot be read.
type PartitionError struct {
	Code   Code
	Text   string
	Offset int64 // where, below 0 when it is at none
}

// Fetch moves up to limit messages, or about so many bytes of them, that are there right now into dst, without
// waiting, and tells how many are left. Errors of the partition are handed to fail.
func (q *Queue) Fetch(dst []Message, limit, size int, fail func(PartitionError)) (messages []Message, left int) {
	c := q.consumer
	call := fetching{
		queue: q.queue, messages: &c.messages[0], out: &c.fetched[0],
		size: C.size_t(min(limit, len(c.messages))), bytes: C.size_t(max(1, size)),
	}
	call.run()
	if call.n <= 0 {
		return dst, int(call.left)
	}
	defer call.free()
	fetched := c.fetched[:call.n]
	bytes := make([]byte, 0, sizeOf(fetched))
	for i := range fetched {
		m := &fetched[i]
		if m.err != 0 {
			fail(PartitionError{Code(m.err), C.GoStringN((*C.char)(memory(&m.value)), C.int(m.value_len)), int64(m.offset)})
			continue
		}
		dst = append(dst, Message{Offset: int64(m.offset), Timestamp: int64(m.timestamp)})
		message := &dst[len(dst)-1]
		bytes, message.Key = carry(bytes, memory(&m.key), m.key_len)
		bytes, message.Value = carry(bytes, memory(&m.value), m.value_len)
		if m.headers != 0 {
			message.Headers = headersOf((*C.rd_kafka_headers_t)(memory(&m.headers)))
		}
	}
	return dst, int(call.left)
}

// Len is how many messages the queue holds.
func (q *Queue) Len() int {
	call := counting{queue: q.queue}
	call.run()
	return int(call.n)
}

// memory is what is at an address that librdkafka has given, and keeps valid meanwhile.
func memory(address *C.uintptr_t) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(address)) }

// sizeOf is how many bytes of keys and values the messages carry.
func sizeOf(messages []C.sluice_message) int {
	total := 0
	for i := range messages {
		if messages[i].err == 0 {
			total += int(messages[i].key_len + messages[i].value_len)
		}
	}
	return total
}

// carry appends librdkafka's bytes and returns the part that they became, nil for a null pointer.
func carry(bytes []byte, from unsafe.Pointer, n C.size_t) (all, part []byte) {
	if from == nil {
		return bytes, nil
	}
	start := len(bytes)
	bytes = append(bytes, unsafe.Slice((*byte)(from), n)...)
	return bytes, bytes[start:len(bytes):len(bytes)]
}

func headersOf(headers *C.rd_kafka_headers_t) []Header {
	var list []Header
	var name *C.char
	var value unsafe.Pointer
	var n C.size_t
	for i := C.size_t(0); C.rd_kafka_header_get_all(headers, i, &name, &value, &n) == 0; i++ {
		h := Header{Name: C.GoString(name)}
		if value != nil {
			h.Value = C.GoBytes(value, C.int(n))
		}
		list = append(list, h)
	}
	return list
}
