package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"strings"
	"time"
	"unsafe"
)

// Admin asks brokers about the cluster, each by its number. By itself librdkafka asks the controller, and waits for a
// controller that does not answer. Any goroutine may call the methods. No call is under way when Close is called.
type Admin struct {
	rk    *C.rd_kafka_t
	queue *C.rd_kafka_queue_t
}

// Topic is a topic as a broker describes it.
type Topic struct {
	Name       string
	Err        Code
	Partitions []TopicPartition
}

// TopicPartition is a partition as a broker describes it.
type TopicPartition struct {
	ID, Leader       int32 // a Leader of -1 is none
	Replicas, InSync []int32
}

// Broker is a broker with the address that it gives to clients.
type Broker struct {
	ID   int32
	Host string
	Port int
}

// NewAdmin creates a handle. No broker needs to be reachable.
func NewAdmin(properties map[string]string) (*Admin, error) {
	rk, err := open(C.RD_KAFKA_PRODUCER, properties, eventError|eventLog)
	if err != nil {
		return nil, err
	}
	return &Admin{rk: rk, queue: C.rd_kafka_queue_get_main(rk)}, nil
}

// Close destroys the handle.
func (a *Admin) Close() {
	C.rd_kafka_queue_destroy(a.queue)
	C.rd_kafka_destroy_flags(a.rk, 0)
}

// Failures passes on what the handle has reported since the last call: why brokers cannot be reached. Of a connection that
// ends at once librdkafka reports the reason in its log only, with the facility FAIL.
func (a *Admin) Failures(each func(Event)) {
	for {
		ev, kind := pollQueue(a.queue)
		if ev == nil {
			return
		}
		event := read(ev, kind)
		destroyEvent(ev)
		if event.Kind == Failure || event.Kind == Log && strings.HasPrefix(event.Text, "FAIL: ") {
			each(event)
		}
	}
}

// Metadata is what a broker knows of the cluster.
type Metadata struct {
	Brokers []Broker
	Topics  []Topic // nil when they were not asked for
}

// Metadata asks any connected broker for the brokers of the cluster, and with topics for its topics. It holds a thread for at
// most limit.
func (a *Admin) Metadata(topics bool, limit time.Duration) (Metadata, error) {
	all := C.int(0)
	if topics {
		all = 1
	}
	return readMetadata(a.rk, all, nil, limit)
}

// Create asks any broker for the metadata of a topic, as a producer does. Brokers that create topics by their first use
// create it. It holds a thread for at most limit.
func (a *Admin) Create(name string, limit time.Duration) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	rkt := C.rd_kafka_topic_new(a.rk, cname, nil)
	if rkt == nil {
		return errorOf(C.rd_kafka_last_error())
	}
	defer C.rd_kafka_topic_destroy(rkt)
	_, err := readMetadata(a.rk, 0, rkt, limit)
	return err
}

// ClusterID is the cluster's id, empty when no broker has said it within limit. The first call holds a thread meanwhile.
func (a *Admin) ClusterID(limit time.Duration) string {
	id := C.rd_kafka_clusterid(a.rk, millis(limit))
	if id == nil {
		return ""
	}
	defer C.rd_kafka_mem_free(a.rk, unsafe.Pointer(id))
	return C.GoString(id)
}

// readMetadata asks for one topic, for all topics of the cluster, or for the topics that the handle knows.
func readMetadata(rk *C.rd_kafka_t, all C.int, only *C.rd_kafka_topic_t, limit time.Duration) (m Metadata, err error) {
	var metadata *C.struct_rd_kafka_metadata
	if err := errorOf(C.rd_kafka_metadata(rk, all, only, &metadata, millis(limit))); err != nil {
		return m, err
	}
	defer C.rd_kafka_metadata_destroy(metadata)
	for _, b := range unsafe.Slice(metadata.brokers, metadata.broker_cnt) {
		m.Brokers = append(m.Brokers, Broker{ID: int32(b.id), Host: C.GoString(b.host), Port: int(b.port)})
	}
	for _, t := range unsafe.Slice(metadata.topics, metadata.topic_cnt) {
		topic := Topic{Name: C.GoString(t.topic), Err: Code(t.err)}
		for _, p := range unsafe.Slice(t.partitions, t.partition_cnt) {
			topic.Partitions = append(topic.Partitions, TopicPartition{
				ID: int32(p.id), Leader: int32(p.leader),
				Replicas: numbers(p.replicas, p.replica_cnt), InSync: numbers(p.isrs, p.isr_cnt),
			})
		}
		m.Topics = append(m.Topics, topic)
	}
	return m, nil
}

func numbers(list *C.int32_t, n C.int) []int32 {
	all := make([]int32, 0, n)
	for _, id := range unsafe.Slice(list, n) {
		all = append(all, int32(id))
	}
	return all
}

// millis is a time-out of librdkafka's, at least 1 ms: 0 would not wait at all.
func millis(limit time.Duration) C.int { return C.int(max(1, limit.Milliseconds())) }

// Topics asks one broker to describe topics, all in one request. Topics that do not exist are not created. The error TimedOut
// says that no answer came within limit. It holds no thread while it waits.
func (a *Admin) Topics(ctx context.Context, broker int32, names []string, limit time.Duration) ([]Topic, error) {
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	defer s.close()
	queue := C.rd_kafka_queue_new(a.rk)
	defer C.rd_kafka_queue_destroy(queue)
	C.rd_kafka_queue_io_event_enable(queue, C.int(s.fd), unsafe.Pointer(&one[0]), 8)
	defer C.rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
	if err := a.describe(broker, names, limit, queue); err != nil {
		return nil, err
	}
	ev := await(ctx, s, queue, limit)
	if ev == nil {
		return nil, &Error{Code: TimedOut, Text: TimedOut.String()}
	}
	defer destroyEvent(ev)
	if err := errorOf(C.rd_kafka_event_error(ev)); err != nil {
		return nil, err
	}
	return topicsOf(ev), nil
}

// describe sends the request of Topics.
func (a *Admin) describe(broker int32, names []string, limit time.Duration, queue *C.rd_kafka_queue_t) error {
	options := C.rd_kafka_AdminOptions_new(a.rk, C.RD_KAFKA_ADMIN_OP_DESCRIBETOPICS)
	defer C.rd_kafka_AdminOptions_destroy(options)
	var text [512]C.char
	if err := errorOf(C.rd_kafka_AdminOptions_set_request_timeout(options, millis(limit), &text[0], 512)); err != nil {
		return err
	}
	if err := errorOf(C.rd_kafka_AdminOptions_set_broker(options, C.int32_t(broker), &text[0], 512)); err != nil {
		return err
	}
	list := make([]*C.char, len(names))
	for i, name := range names {
		list[i] = C.CString(name)
		defer C.free(unsafe.Pointer(list[i]))
	}
	topics := C.rd_kafka_TopicCollection_of_topic_names(unsafe.SliceData(list), C.size_t(len(list)))
	defer C.rd_kafka_TopicCollection_destroy(topics)
	C.rd_kafka_DescribeTopics(a.rk, topics, options, queue)
	return nil
}

// await waits for the one event of a queue, and returns nil when none came.
func await(ctx context.Context, s *signal, queue *C.rd_kafka_queue_t, limit time.Duration) *C.rd_kafka_event_t {
	stop := context.AfterFunc(ctx, s.raise)
	defer stop()
	// librdkafka ends the request by itself after limit, and its error names the broker.
	until := time.Now().Add(limit + limit/4)
	for {
		if ev, _ := pollQueue(queue); ev != nil {
			return ev
		}
		left := time.Until(until)
		if left <= 0 || ctx.Err() != nil {
			return nil
		}
		s.wait(left)
	}
}

func topicsOf(ev *C.rd_kafka_event_t) []Topic {
	var n C.size_t
	list := C.rd_kafka_DescribeTopics_result_topics(C.rd_kafka_event_DescribeTopics_result(ev), &n)
	topics := make([]Topic, 0, n)
	for _, t := range unsafe.Slice(list, n) {
		topics = append(topics, topicOf(t))
	}
	return topics
}

func topicOf(t *C.rd_kafka_TopicDescription_t) Topic {
	topic := Topic{Name: C.GoString(C.rd_kafka_TopicDescription_name(t))}
	if e := C.rd_kafka_TopicDescription_error(t); e != nil {
		topic.Err = Code(C.rd_kafka_error_code(e))
	}
	var n C.size_t
	list := C.rd_kafka_TopicDescription_partitions(t, &n)
	for _, p := range unsafe.Slice(list, n) {
		partition := TopicPartition{ID: int32(C.rd_kafka_TopicPartitionInfo_partition(p)), Leader: -1}
		if leader := C.rd_kafka_TopicPartitionInfo_leader(p); leader != nil {
			partition.Leader = int32(C.rd_kafka_Node_id(leader))
		}
		var count C.size_t
		partition.Replicas = nodesOf(C.rd_kafka_TopicPartitionInfo_replicas(p, &count), &count)
		partition.InSync = nodesOf(C.rd_kafka_TopicPartitionInfo_isr(p, &count), &count)
		topic.Partitions = append(topic.Partitions, partition)
	}
	return topic
}

// nodesOf are the numbers of brokers. count is valid once list has been evaluated.
func nodesOf(list **C.rd_kafka_Node_t, count *C.size_t) []int32 {
	nodes := make([]int32, 0, *count)
	for _, n := range unsafe.Slice(list, *count) {
		nodes = append(nodes, int32(C.rd_kafka_Node_id(n)))
	}
	return nodes
}
