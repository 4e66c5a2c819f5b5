package librdkafka

// #include "abi.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Consumer is one librdkafka group consumer. It belongs to one goroutine: no two calls may overlap,
// except for Wake and Committed.
type Consumer struct {
	rk     *C.rd_kafka_t
	queue  *C.rd_kafka_queue_t
	gate   *C.sluice_gate
	bound  int64 // see LimitHeap
	signal *signal

	messages []C.uintptr_t // addresses of rd_kafka_message_t
	fetched  []C.sluice_message
	paused   map[place]bool

	consumerProtocol bool     // the group's protocol is KIP-848's
	topics           []string // that it is subscribed to

	unanswered bool // the group gave partitions, or none, and waits for Assign
	leaving    bool // Close has begun
	answered   bool // and all that was assigned has been given back: see answers

	asking sync.RWMutex // held for reading by Committed; guards gone
	gone   bool         // the handle is destroyed
}

// inside has a place for each call through cgo of any consumer: a goroutine in cgo holds a thread, and when the machine
// is busy the Go runtime starts another for each that is preempted there. The consumers of fifty groups would otherwise
// cost a score of threads more. None of these calls waits for a broker.
var inside = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

// enter takes a place, and returns what gives it back.
func enter() (leave func()) {
	inside <- struct{}{}
	return func() { <-inside }
}

// Batch is how many messages one Fetch takes at most.
const Batch = 512

// NewConsumer creates a consumer that has not joined its group yet.
func NewConsumer(properties map[string]string) (*Consumer, error) {
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		signal: s, consumerProtocol: properties["group.protocol"] == "consumer",
		messages: make([]C.uintptr_t, Batch), fetched: make([]C.sluice_message, Batch),
	}
	if err := c.open(properties); err != nil {
		s.close()
		return nil, err
	}
	return c, nil
}

func (c *Consumer) open(properties map[string]string) error {
	defer enter()()
	conf := C.rd_kafka_conf_new()
	gate := C.sluice_gate_new(conf)
	C.sluice_gate_limit(gate, C.int64_t(c.bound))
	rk, err := openWith(conf, typeConsumer, properties, eventError|eventLog|eventRebalance|eventCommit|eventStats)
	if err != nil {
		C.free(unsafe.Pointer(gate))
		return err
	}
	C.rd_kafka_poll_set_consumer(rk)
	c.rk, c.gate, c.queue, c.paused = rk, gate, C.rd_kafka_queue_get_consumer(rk), map[place]bool{}
	c.watch(c.queue)
	return nil
}

func (c *Consumer) watch(queue *C.rd_kafka_queue_t) {
	C.rd_kafka_queue_io_event_enable(queue, C.int(c.signal.fd), unsafe.Pointer(&one[0]), 8)
}

// Wait returns when something may have happened, or after limit.
func (c *Consumer) Wait(limit time.Duration) { c.signal.wait(limit) }

// Wake ends a Wait early; any goroutine may call it until Close.
func (c *Consumer) Wake() { c.signal.raise() }

// Subscribe joins the group for the topics; one that starts with ^ is a pattern.
func (c *Consumer) Subscribe(topics []string) error {
	defer enter()()
	list := make([]Partition, len(topics))
	for i, topic := range topics {
		list[i] = Partition{Topic: topic, ID: -1}
	}
	cl := listOf(list)
	defer C.rd_kafka_topic_partition_list_destroy(cl)
	c.topics = topics
	return errorOf(C.rd_kafka_subscribe(c.rk, cl))
}

// Unsubscribe leaves the group. To be called before Close by a consumer that has no partitions: then Close by itself
// says nothing to the group, which waits for this member at every rebalance until its session ends
// (rd_kafka_cgrp_revoke_all_rejoin in librdkafka's rdkafka_cgrp.c).
func (c *Consumer) Unsubscribe() error {
	defer enter()()
	return errorOf(C.rd_kafka_unsubscribe(c.rk))
}

// PromptHeartbeat has a consumer that is subscribed ask its group's coordinator for news before its time: KIP-848 sends a
// subscription at once, also the same one, and gets the assignment (rd_kafka_cgrp_consumer_subscribe in
// librdkafka's rdkafka_cgrp.c). Of a classic group any question makes librdkafka's main thread look whether a
// heartbeat is due; by itself it looks every half a second.
func (c *Consumer) PromptHeartbeat() error {
	switch {
	case len(c.topics) == 0:
		return nil
	case c.consumerProtocol:
		return c.Subscribe(c.topics)
	}
	defer enter()()
	c.Cooperative()
	return nil
}

// Poll takes the next event of the group without waiting, and counts as a poll for
// max.poll.interval.ms. Records do not come here once their partition has a Queue.
func (c *Consumer) Poll() Event {
	ev, kind := poll(c.queue)
	if ev == nil {
		return Event{}
	}
	defer done(ev)
	event := read(ev, kind)
	c.unanswered = c.unanswered || event.Kind == Assign
	return event
}

// Cooperative tells whether assignments change by difference (cooperative-sticky and KIP-848).
func (c *Consumer) Cooperative() bool {
	return C.GoString(C.rd_kafka_rebalance_protocol(c.rk)) == "COOPERATIVE"
}

// Lost tells whether the assignment was lost without a revocation: its offsets are not ours any more.
func (c *Consumer) Lost() bool { return C.rd_kafka_assignment_lost(c.rk) != 0 }

// Assign takes the partitions of an Assign event and starts to fetch those that are not paused. librdkafka
// knows pauses of an earlier assignment: they are lifted.
func (c *Consumer) Assign(partitions []Partition) error {
	if !c.answers() {
		return nil
	}
	if err := c.assign(partitions); err != nil {
		return err
	}
	c.unanswered = false
	return c.resume(partitions)
}

func (c *Consumer) assign(partitions []Partition) error {
	defer enter()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	if c.Cooperative() {
		return take(C.rd_kafka_incremental_assign(c.rk, list))
	}
	return errorOf(C.rd_kafka_assign(c.rk, list))
}

// answers tells whether librdkafka is to be told what becomes of an assignment or a revocation. While a consumer leaves
// it takes the first answer, whatever it says, for that of everything being given back, and then comes to its end. An
// answer that it finds there it drops, and who waits for what becomes of that waits for ever
// (rd_kafka_cgrp_handle_assign_op and rd_kafka_cgrp_op_serve in its rdkafka_cgrp.c).
func (c *Consumer) answers() bool {
	first := !c.answered
	c.answered = c.leaving
	return first
}

// Unassign answers a Revoke event; librdkafka then commits what was stored for the partitions.
func (c *Consumer) Unassign(partitions []Partition) error {
	if !c.answers() {
		return nil
	}
	defer enter()()
	if !c.Cooperative() {
		return errorOf(C.rd_kafka_assign(c.rk, nil))
	}
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return take(C.rd_kafka_incremental_unassign(c.rk, list))
}

// Store hands offsets to the next commit. Each entry's own failure is in its Err afterwards.
func (c *Consumer) Store(offsets []Partition) error {
	list := listOf(offsets)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	defer enter()()
	err := errorOf(C.rd_kafka_offsets_store(c.rk, list))
	for i, p := range partitionsOf(list) {
		offsets[i].Err = p.Err
	}
	return err
}

// Committed asks the group's coordinator for what the group has committed of the partitions: Offset is
// below 0 where that is nothing. It takes at most limit, and any goroutine may call it.
//
// The admin client could ask for groups without a consumer here, but its ListConsumerGroupOffsets ends the
// process when the coordinator moves (https://github.com/confluentinc/librdkafka/issues/4605).
func (c *Consumer) Committed(partitions []Partition, limit time.Duration) ([]Partition, error) {
	c.asking.RLock()
	defer c.asking.RUnlock()
	if c.gone {
		return nil, &Error{Code: Destroyed, Text: "the consumer is closed"}
	}
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	if err := errorOf(C.rd_kafka_committed(c.rk, list, C.int(max(1, limit.Milliseconds())))); err != nil {
		return nil, err
	}
	return partitionsOf(list), nil
}

// Close leaves the group, committing what is stored, and destroys the handle. What happens meanwhile is handed to
// handle, which must Unassign what a Revoke takes away. left is called when the group is left: every Queue must be
// closed then. After ctx it gives up and leaves librdkafka's threads behind.
func (c *Consumer) Close(ctx context.Context, handle func(Event), left func()) error {
	if err := c.leave(ctx, handle); err != nil {
		return err
	}
	left()
	return c.destroy(ctx)
}

func (c *Consumer) leave(ctx context.Context, handle func(Event)) error {
	if err := take(C.rd_kafka_consumer_close_queue(c.rk, c.queue)); err != nil {
		return err
	}
	c.leaving = true
	C.sluice_gate_let_in(c.gate, 1)
	for !c.left() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.serve(handle) {
			c.Wait(10 * time.Millisecond)
		}
	}
	for c.serve(handle) { // how the last commit ended
	}
	return nil
}

// Reopen is Close and NewConsumer in one: who has the consumer goes on with another handle, which has not joined its group
// yet. With an error it can only be closed.
func (c *Consumer) Reopen(ctx context.Context, properties map[string]string, handle func(Event), left func()) error {
	if err := c.leave(ctx, handle); err != nil {
		return err
	}
	left()
	for !c.asking.TryLock() { // Committed is bounded, but takes its time where no coordinator is
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Wait(10 * time.Millisecond)
	}
	defer c.asking.Unlock()
	const noConsumerClose = 0x8
	rk, queue, gate := c.rk, c.queue, c.gate
	if err := c.open(properties); err != nil {
		return err
	}
	c.leaving, c.answered, c.unanswered = false, false, false
	_ = within(ctx, func() { // or it ends later
		C.rd_kafka_queue_destroy(queue)
		C.rd_kafka_destroy_flags(rk, noConsumerClose)
		C.free(unsafe.Pointer(gate))
	})
	return nil
}

// left tells whether a consumer that is closed has left its group.
func (c *Consumer) left() bool { return C.rd_kafka_consumer_closed(c.rk) != 0 }

// serve hands the next event of a consumer that leaves to handle, if there is one. Such a consumer is assigned
// nothing more, but librdkafka waits for the answer.
func (c *Consumer) serve(handle func(Event)) bool {
	event := c.Poll()
	if c.unanswered {
		c.unanswered = false
		_ = c.Assign(nil) // whatever it answers, all is given back
	}
	if event.Kind == Nothing {
		return false
	}
	handle(event)
	return true
}

// Abandon destroys a consumer that never subscribed.
func (c *Consumer) Abandon() { c.Discard(context.Background()) }

// Discard is Abandon that leaves librdkafka's threads behind after ctx: they end when what the consumer asked
// has an answer, or none any more.
func (c *Consumer) Discard(ctx context.Context) { _ = c.destroy(ctx) }

func (c *Consumer) destroy(ctx context.Context) error {
	const noConsumerClose = 0x8
	C.sluice_gate_let_in(c.gate, 1)
	return within(ctx, func() {
		c.asking.Lock()
		defer c.asking.Unlock()
		c.gone = true
		C.rd_kafka_queue_destroy(c.queue)
		C.rd_kafka_destroy_flags(c.rk, noConsumerClose)
		C.free(unsafe.Pointer(c.gate))
		c.signal.close()
	})
}

// listOf copies partitions into a C list, which the caller destroys.
func listOf(partitions []Partition) *C.rd_kafka_topic_partition_list_t {
	list := C.rd_kafka_topic_partition_list_new(C.int(len(partitions)))
	for _, p := range partitions {
		name := C.CString(p.Topic)
		C.rd_kafka_topic_partition_list_add(list, name, C.int32_t(p.ID)).offset = C.int64_t(p.Offset)
		C.free(unsafe.Pointer(name))
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
	}
	return partitions
}
