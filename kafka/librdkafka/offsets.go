package librdkafka

// #include "abi.h"
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

// Offsets with a meaning of their own, as RD_KAFKA_OFFSET_* in rdkafka.h.
const (
	// OffsetInvalid begins where the group has committed, or where auto.offset.reset says when it has not.
	OffsetInvalid   int64 = -1001
	OffsetBeginning int64 = -2
	OffsetEnd       int64 = -1
)

// Commit has the group's coordinator note the offsets, lower ones than before too, and does not wait: a
// Committed event with the ticket says how that ended. librdkafka gives a coordinator that is away 45 s.
func (c *Consumer) Commit(offsets []Partition, ticket uint64) error {
	defer enter()()
	list := listOf(offsets)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return errorOf(C.sluice_commit(c.rk, list, c.queue, C.uint64_t(ticket)))
}

// seekTime bounds a Seek: librdkafka's main thread does it by itself, in microseconds, and asks no broker.
const seekTime = time.Second

// Seek makes the next Fetch of the partitions begin at their offsets: what is buffered is gone when it
// returns. Each entry's own failure is in its Err afterwards: State for a partition that is not fetched
// yet, as in the first moments of an assignment.
func (c *Consumer) Seek(partitions []Partition) error {
	defer enter()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	err := take(C.rd_kafka_seek_partitions(c.rk, list, C.int(seekTime.Milliseconds())))
	for i, p := range partitionsOf(list) {
		partitions[i].Err = p.Err
	}
	return err
}

// Watermarks are what the partition's log holds, from low up to, but not including, high, as the last answer to a
// fetch said; -1 where there was none. It asks no broker, and may be old when nothing is fetched.
func (c *Consumer) Watermarks(topic string, partition int32) (low, high int64) {
	defer enter()()
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	var l, h C.int64_t
	if C.rd_kafka_get_watermark_offsets(c.rk, name, C.int32_t(partition), &l, &h) != 0 {
		return -1, -1
	}
	return max(-1, int64(l)), max(-1, int64(h))
}

// IncrementalAssign takes more partitions, of a consumer that has not subscribed to topics; each begins at its Offset. They
// need their Queue first.
func (c *Consumer) IncrementalAssign(partitions []Partition) error {
	defer enter()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return take(C.rd_kafka_incremental_assign(c.rk, list))
}

// IncrementalUnassign gives partitions up that were added; librdkafka then commits what was stored for them.
func (c *Consumer) IncrementalUnassign(partitions []Partition) error {
	defer enter()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return take(C.rd_kafka_incremental_unassign(c.rk, list))
}
