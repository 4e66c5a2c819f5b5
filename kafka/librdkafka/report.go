package librdkafka

// #include "sluice.h"
import "C"

import (
	"time"
	"unsafe"
)

// Status says whether a record is in the broker's log (rd_kafka_msg_status_t).
type Status int32

// The statuses of a record.
const (
	NotPersisted      Status = C.RD_KAFKA_MSG_STATUS_NOT_PERSISTED
	PossiblyPersisted Status = C.RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED
	Persisted         Status = C.RD_KAFKA_MSG_STATUS_PERSISTED
)

// Report is the delivery report of one record. It has the layout of sluice_report.
type Report struct {
	Opaque    uint64
	Offset    int64 // OffsetInvalid when unknown: an idempotent producer may not learn it from a retry
	Timestamp int64 // milliseconds since the epoch, as the broker keeps it; -1 for a record that failed
	Partition int32
	Err       Code
	Status    Status
	alone     int32       // 1 when the event has no other report
	topic     C.uintptr_t // valid as long as the event
	Size      int64       // bytes of key and value
	latency   int64       // microseconds; -1 when it was not read
	message   C.uintptr_t // valid as long as the event
}

// An index below is not 0 when a field of Report lies elsewhere than in sluice_report: that does not compile.
var _ = [1]struct{}{}[unsafe.Sizeof(Report{})^unsafe.Sizeof(C.sluice_report{})|
	unsafe.Offsetof(Report{}.Opaque)^unsafe.Offsetof(C.sluice_report{}.opaque)|
	unsafe.Offsetof(Report{}.Offset)^unsafe.Offsetof(C.sluice_report{}.offset)|
	unsafe.Offsetof(Report{}.Timestamp)^unsafe.Offsetof(C.sluice_report{}.timestamp)|
	unsafe.Offsetof(Report{}.Partition)^unsafe.Offsetof(C.sluice_report{}.partition)|
	unsafe.Offsetof(Report{}.Err)^unsafe.Offsetof(C.sluice_report{}.err)|
	unsafe.Offsetof(Report{}.Status)^unsafe.Offsetof(C.sluice_report{}.status)|
	unsafe.Offsetof(Report{}.alone)^unsafe.Offsetof(C.sluice_report{}.alone)|
	unsafe.Offsetof(Report{}.topic)^unsafe.Offsetof(C.sluice_report{}.topic)|
	unsafe.Offsetof(Report{}.Size)^unsafe.Offsetof(C.sluice_report{}.size)|
	unsafe.Offsetof(Report{}.latency)^unsafe.Offsetof(C.sluice_report{}.latency)|
	unsafe.Offsetof(Report{}.message)^unsafe.Offsetof(C.sluice_report{}.message)]

// Sample is how many reports of a run share one Latency.
const Sample = C.SLUICE_SAMPLE

// Latency is the time from Produce to the report. ok is true for the first report of a run, and every Sample-th after it.
func (r *Report) Latency() (d time.Duration, ok bool) {
	return time.Duration(r.latency) * time.Microsecond, r.latency >= 0
}

// TopicHandle is equal for reports of the same topic, and cheaper than its name. It is valid as long as the producer.
func (r *Report) TopicHandle() uintptr { return uintptr(r.topic) }

// Topic is the record's topic. Call it only inside Poll's callback.
func (r *Report) Topic() string {
	return C.GoString(C.rd_kafka_topic_name((*C.rd_kafka_topic_t)(memory(&r.topic))))
}

// Alone tells whether the event had one report only, which says that the record was alone in its batch.
func (r *Report) Alone() bool { return r.alone != 0 }

// Pack appends the record itself to b, as PackRecord does, with the partition that it had. spent is the time since it was
// produced. Call it only inside Poll's callback.
func (r *Report) Pack(b []byte) (packed []byte, spent time.Duration) {
	var c C.sluice_content
	C.sluice_content_of(r.message, &c)
	d := Details{Partition: r.Partition, Timestamp: int64(c.timestamp)}
	if c.headers != 0 {
		d.Headers = PackHeaders(headersOf((*C.rd_kafka_headers_t)(memory(&c.headers))))
	}
	return PackRecord(b, bytesAt(&c.key, c.key_len), bytesAt(&c.value, c.value_len), r.Opaque, &d),
		time.Duration(c.spent) * time.Microsecond
}

// bytesAt is memory of librdkafka's as a slice, nil for a null pointer.
func bytesAt(address *C.uintptr_t, n C.size_t) []byte {
	if *address == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(memory(address)), int(n))
}
