package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"unsafe"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Header is one header of a record; names may repeat, a nil value is null.
type Header = record.Header

// Message is one fetched record. Key and Value are nil for null. All messages of one Fetch share one allocation for their
// bytes.
type Message struct {
	Offset    int64
	Timestamp int64 // milliseconds since the epoch, -1 when the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Queue holds the fetched messages of one partition inside librdkafka, apart from all others. A full queue stops the
// partition's fetcher (queued.max.messages.kbytes): no pause is needed, and other partitions do not wait.
type Queue struct {
	consumer *Consumer
	queue    *C.rd_kafka_queue_t
}

// Queue takes a partition out of the consumer's common queue. Call it before Assign.
func (c *Consumer) Queue(topic string, partition int32) *Queue {
	defer acquireSlot()()
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

// Close gives the queue back. Call it after Unassign, and before the consumer is closed.
func (q *Queue) Close() {
	C.rd_kafka_queue_io_event_enable(q.queue, -1, nil, 0)
	C.rd_kafka_queue_destroy(q.queue)
}

// PartitionError is an error of a partition: an offset out of range, missing rights, a batch that cannot be read.
type PartitionError struct {
	Code   Code
	Text   string
	Offset int64 // below 0 when the error has none
}

// Fetch appends messages that are in the queue right now to dst, and does not wait. It takes up to limit messages, or about
// size bytes, and tells how many are left. Errors of the partition are passed to fail.
func (q *Queue) Fetch(dst []Message, limit, size int, fail func(PartitionError)) (messages []Message, left int) {
	c := q.consumer
	limit = min(limit, len(c.messages))
	if limit <= 0 {
		return dst, q.Len()
	}
	got := fetchMessages(q.queue, c.messages[:limit], c.fetched, max(1, size))
	if got.count == 0 {
		return dst, int(got.left)
	}
	defer freeMessages(c.messages[:got.count])
	fetched := c.fetched[:got.count]
	bytes := make([]byte, 0, sizeOf(fetched))
	for i := range fetched {
		m := &fetched[i]
		if m.err != 0 {
			fail(PartitionError{Code(m.err), C.GoStringN((*C.char)(memory(&m.value)), C.int(m.value_len)), int64(m.offset)})
			continue
		}
		dst = append(dst, Message{Offset: int64(m.offset), Timestamp: int64(m.timestamp)})
		message := &dst[len(dst)-1]
		bytes, message.Key = appendCopy(bytes, memory(&m.key), m.key_len)
		bytes, message.Value = appendCopy(bytes, memory(&m.value), m.value_len)
		if m.headers != 0 {
			message.Headers = headersOf((*C.rd_kafka_headers_t)(memory(&m.headers)))
		}
	}
	return dst, int(got.left)
}

// Len is how many messages and errors the queue holds.
func (q *Queue) Len() int { return queueLength(q.queue) }

// memory is the memory of librdkafka at an address.
func memory(address *C.uintptr_t) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(address)) }

// sizeOf is the size of all keys and values of messages.
func sizeOf(messages []C.sluice_message) int {
	total := 0
	for i := range messages {
		if messages[i].err == 0 {
			total += int(messages[i].key_len + messages[i].value_len)
		}
	}
	return total
}

// appendCopy appends bytes of librdkafka's, and returns the part that is their copy, nil for a null pointer.
func appendCopy(bytes []byte, from unsafe.Pointer, n C.size_t) (all, part []byte) {
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
