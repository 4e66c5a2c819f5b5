package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"sync"
	"time"
	"unsafe"
)

// Consumer is one librdkafka group consumer. It belongs to one goroutine: only Wake and Committed may overlap with other
// calls.
type Consumer struct {
	rk      *C.rd_kafka_t
	queue   *C.rd_kafka_queue_t
	limiter *C.sluice_fetch_limiter
	limit   int64 // see LimitHeap
	signal  *signal

	messages []C.uintptr_t // addresses of rd_kafka_message_t
	fetched  []C.sluice_message
	paused   map[topicPartition]bool

	consumerProtocol bool     // the group's protocol is KIP-848's
	topics           []string // the subscription

	unanswered bool // an Assign event came, and Assign has not been called
	leaving    bool // Close has begun
	answered   bool // the consumer leaves, and has given back all partitions; see mayAnswer

	asking sync.RWMutex // held for reading by Committed; guards gone
	gone   bool         // rk is destroyed
}

type topicPartition struct {
	topic     string
	partition int32
}

// mostFetched is the most messages that one Fetch takes.
const mostFetched = 512

// NewConsumer creates a consumer that has not joined its group yet.
func NewConsumer(properties map[string]string) (*Consumer, error) {
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		signal: s, consumerProtocol: properties["group.protocol"] == "consumer",
		messages: make([]C.uintptr_t, mostFetched), fetched: make([]C.sluice_message, mostFetched),
	}
	if err := c.open(properties); err != nil {
		s.close()
		return nil, err
	}
	return c, nil
}

func (c *Consumer) open(properties map[string]string) error {
	defer acquireSlot()()
	conf := C.rd_kafka_conf_new()
	limiter := C.sluice_fetch_limiter_new(conf)
	C.sluice_fetch_limiter_set(limiter, C.int64_t(c.limit))
	rk, err := openWith(conf, C.RD_KAFKA_CONSUMER, properties, eventError|eventLog|eventRebalance|eventCommit|eventStats)
	if err != nil {
		C.free(unsafe.Pointer(limiter))
		return err
	}
	C.rd_kafka_poll_set_consumer(rk)
	c.rk, c.limiter, c.queue, c.paused = rk, limiter, C.rd_kafka_queue_get_consumer(rk), map[topicPartition]bool{}
	c.watch(c.queue)
	return nil
}

// watch has librdkafka raise the signal when the queue is no longer empty.
func (c *Consumer) watch(queue *C.rd_kafka_queue_t) {
	C.rd_kafka_queue_io_event_enable(queue, C.int(c.signal.fd), unsafe.Pointer(&one[0]), 8)
}

// Wait returns when something may have happened, and after limit.
func (c *Consumer) Wait(limit time.Duration) { c.signal.wait(limit) }

// Wake ends a Wait early; any goroutine may call it until Close.
func (c *Consumer) Wake() { c.signal.raise() }

// Subscribe joins the group for the topics. A topic that begins with ^ is a pattern.
func (c *Consumer) Subscribe(topics []string) error {
	defer acquireSlot()()
	list := make([]Partition, len(topics))
	for i, topic := range topics {
		list[i] = Partition{Topic: topic, ID: -1}
	}
	cl := listOf(list)
	defer C.rd_kafka_topic_partition_list_destroy(cl)
	c.topics = topics
	return errorOf(C.rd_kafka_subscribe(c.rk, cl))
}

// Unsubscribe leaves the group. A consumer without partitions must call it before Close, which tells the group nothing then:
// every rebalance would wait for this member until its session ends (rd_kafka_cgrp_revoke_all_rejoin in librdkafka's
// rdkafka_cgrp.c).
func (c *Consumer) Unsubscribe() error {
	defer acquireSlot()()
	return errorOf(C.rd_kafka_unsubscribe(c.rk))
}

// PromptHeartbeat has a subscribed consumer ask its group's coordinator for news at once. With KIP-848 a subscription is sent
// at once, also an unchanged one, and the answer brings the assignment (rd_kafka_cgrp_consumer_subscribe in librdkafka's
// rdkafka_cgrp.c). With the classic protocol any question wakes librdkafka's main thread, which looks whether a heartbeat is
// due; otherwise it looks every half a second.
func (c *Consumer) PromptHeartbeat() error {
	switch {
	case len(c.topics) == 0:
		return nil
	case c.consumerProtocol:
		return c.Subscribe(c.topics)
	}
	defer acquireSlot()()
	c.Cooperative() // the question
	return nil
}

// Poll takes the next event of the group and does not wait. It counts as a poll for max.poll.interval.ms. Records do not
// come here once their partition has a Queue.
func (c *Consumer) Poll() Event {
	ev, kind := pollQueue(c.queue)
	if ev == nil {
		return Event{}
	}
	defer destroyEvent(ev)
	event := read(ev, kind)
	c.unanswered = c.unanswered || event.Kind == Assign
	return event
}

// Cooperative tells whether the group assigns and revokes single partitions (cooperative-sticky and KIP-848).
func (c *Consumer) Cooperative() bool {
	return C.GoString(C.rd_kafka_rebalance_protocol(c.rk)) == "COOPERATIVE"
}

// Lost tells whether the assignment was lost without a revocation: its offsets must not be committed.
func (c *Consumer) Lost() bool { return C.rd_kafka_assignment_lost(c.rk) != 0 }

// Assign takes the partitions of an Assign event, and starts to fetch those that are not paused. librdkafka remembers pauses
// of an earlier assignment, which are lifted.
func (c *Consumer) Assign(partitions []Partition) error {
	if !c.mayAnswer() {
		return nil
	}
	if err := c.assign(partitions); err != nil {
		return err
	}
	c.unanswered = false
	return c.resume(partitions)
}

func (c *Consumer) assign(partitions []Partition) error {
	defer acquireSlot()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	if c.Cooperative() {
		return takeError(C.rd_kafka_incremental_assign(c.rk, list))
	}
	return errorOf(C.rd_kafka_assign(c.rk, list))
}

// Unassign answers a Revoke event. Commits that have begun end before the partitions go to others.
func (c *Consumer) Unassign(partitions []Partition) error {
	if !c.mayAnswer() {
		return nil
	}
	defer acquireSlot()()
	if !c.Cooperative() {
		return errorOf(C.rd_kafka_assign(c.rk, nil))
	}
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return takeError(C.rd_kafka_incremental_unassign(c.rk, list))
}

// Committed asks the group's coordinator for the committed offsets of the partitions, with their Metadata. The Offset of a
// partition without one is below 0. The call takes at most limit, and any goroutine may make it.
//
// librdkafka's admin client could ask without a consumer, but its ListConsumerGroupOffsets ends the process when the
// coordinator moves (https://github.com/confluentinc/librdkafka/issues/4605).
func (c *Consumer) Committed(partitions []Partition, limit time.Duration) ([]Partition, error) {
	c.asking.RLock()
	defer c.asking.RUnlock()
	if c.gone {
		return nil, &Error{Code: Destroyed, Text: "the consumer is closed"}
	}
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	if err := errorOf(C.rd_kafka_committed(c.rk, list, millis(limit))); err != nil {
		return nil, err
	}
	return partitionsOf(list), nil
}

// listOf copies partitions into a C list, which the caller destroys.
func listOf(partitions []Partition) *C.rd_kafka_topic_partition_list_t {
	list := C.rd_kafka_topic_partition_list_new(C.int(len(partitions)))
	for _, p := range partitions {
		name := C.CString(p.Topic)
		e := C.rd_kafka_topic_partition_list_add(list, name, C.int32_t(p.ID))
		C.free(unsafe.Pointer(name))
		e.offset = C.int64_t(p.Offset)
		if p.Metadata != "" { // freed with the list, by free(3)
			e.metadata, e.metadata_size = C.CBytes([]byte(p.Metadata)), C.size_t(len(p.Metadata))
		}
	}
	return list
}

func partitionsOf(list *C.rd_kafka_topic_partition_list_t) []Partition {
	if list == nil || list.cnt == 0 {
		return nil
	}
	partitions := make([]Partition, list.cnt)
	for i, e := range unsafe.Slice(list.elems, list.cnt) {
		partitions[i] = Partition{Topic: C.GoString(e.topic), ID: int32(e.partition), Offset: int64(e.offset), Err: Code(e.err)}
		if e.metadata != nil {
			partitions[i].Metadata = C.GoStringN((*C.char)(e.metadata), C.int(e.metadata_size))
		}
	}
	return partitions
}
