package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

// Offsets with a meaning of their own.
const (
	// OffsetInvalid begins where the group has committed, or where auto.offset.reset says when it has not.
	OffsetInvalid   int64 = C.RD_KAFKA_OFFSET_INVALID
	OffsetBeginning int64 = C.RD_KAFKA_OFFSET_BEGINNING
	OffsetEnd       int64 = C.RD_KAFKA_OFFSET_END
)

// Commit begins to commit the offsets with their Metadata, also lower ones than before, and does not wait. A Committed event with the ticket says
// how the commit ended. librdkafka waits up to 45 s for a coordinator that is away.
func (c *Consumer) Commit(offsets []Partition, ticket uint64) error {
	defer acquireSlot()()
	list := listOf(offsets)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return errorOf(C.sluice_commit(c.rk, list, c.queue, C.uint64_t(ticket)))
}

// seekTime bounds a Seek. librdkafka's main thread seeks in microseconds, and asks no broker.
const seekTime = time.Second

// Seek makes the next Fetch of the partitions begin at their offsets. Buffered messages are gone when it returns. Each
// entry's own failure is in its Err afterwards. A partition that is not fetched yet, as in the first moments of an
// assignment, fails with State. If its fetching begins while it is sought, it fails with Outdated.
func (c *Consumer) Seek(partitions []Partition) error {
	defer acquireSlot()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	err := takeError(C.rd_kafka_seek_partitions(c.rk, list, C.int(seekTime.Milliseconds())))
	for i, p := range partitionsOf(list) {
		partitions[i].Err = p.Err
	}
	return err
}

// Watermarks are the bounds of the partition's log in the last fetch response: low is the first offset, high is one past the
// last. They are -1 without a response. The call asks no broker, so the bounds are old when nothing is fetched.
func (c *Consumer) Watermarks(topic string, partition int32) (low, high int64) {
	defer acquireSlot()()
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	var l, h C.int64_t
	if C.rd_kafka_get_watermark_offsets(c.rk, name, C.int32_t(partition), &l, &h) != 0 {
		return -1, -1
	}
	return max(-1, int64(l)), max(-1, int64(h))
}

// IncrementalAssign adds partitions of a consumer that has not subscribed. Each begins at its Offset, and needs its Queue
// before.
func (c *Consumer) IncrementalAssign(partitions []Partition) error {
	defer acquireSlot()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return takeError(C.rd_kafka_incremental_assign(c.rk, list))
}

// IncrementalUnassign removes partitions that were added.
func (c *Consumer) IncrementalUnassign(partitions []Partition) error {
	defer acquireSlot()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return takeError(C.rd_kafka_incremental_unassign(c.rk, list))
}
