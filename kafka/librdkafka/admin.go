package librdkafka

// #include "abi.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// Admin asks brokers about the cluster, each of them by its number: librdkafka by itself asks the controller, and
// waits for that one when it is silent. Its methods may be called from any goroutine; nobody is inside when it is
// closed.
type Admin struct {
	rk    *C.rd_kafka_t
	queue *C.rd_kafka_queue_t
}

// Topic is a topic as a broker describes it. A Leader of -1 means none.
type Topic struct {
	Name       string
	Err        Code
	Partitions []TopicPartition
}

// TopicPartition is a partition as a broker describes it.
type TopicPartition struct {
	ID, Leader       int32
	Replicas, InSync []int32
}

// Broker is a broker by the address that it gives its clients.
type Broker struct {
	ID   int32
	Host string
	Port int
}

// NewAdmin creates a handle. No broker needs to be reachable.
func NewAdmin(properties map[string]string) (*Admin, error) {
	rk, err := open(typeProducer, properties, eventError)
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

// hush throws away what the handle reports by itself: producers' handles report the same.
func (a *Admin) hush() {
	for {
		ev, _ := poll(a.queue)
		if ev == nil {
			return
		}
		done(ev)
	}
}

// Metadata is what a broker knows of the cluster.
type Metadata struct {
	Brokers []Broker
	Topics  []Topic // those of the cluster when they were asked for
}

// Metadata asks any broker that is connected for the brokers of the cluster, and with topics for its topics. Its
// thread is inside librdkafka for at most limit.
func (a *Admin) Metadata(topics bool, limit time.Duration) (Metadata, error) {
	a.hush()
	all := C.int(0)
	if topics {
		all = 1
	}
	return readMetadata(a.rk, all, nil, limit)
}

// Create asks any broker for a topic as a producer does: brokers that create topics create it. It takes a thread as
// Metadata does.
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

// ClusterID is the cluster's own id, empty when no broker has said it within limit. It takes a thread as Metadata
// does, once.
func (a *Admin) ClusterID(limit time.Duration) string {
	id := C.rd_kafka_clusterid(a.rk, millis(limit))
	if id == nil {
		return ""
	}
	defer C.rd_kafka_mem_free(a.rk, unsafe.Pointer(id))
	return C.GoString(id)
}

// readMetadata asks for one topic, for all of the cluster, or for those that the handle knows.
func readMetadata(rk *C.rd_kafka_t, all C.int, only *C.rd_kafka_topic_t, limit time.Duration) (m Metadata, err error) {
	var metadata *C.rd_kafka_metadata_t
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

func millis(limit time.Duration) C.int { return C.int(max(1, limit.Milliseconds())) }

// Topics asks one broker to describe topics, all in one request, without creating those that do not exist. The
// error TimedOut says that there was no answer within limit. It waits without a thread.
func (a *Admin) Topics(ctx context.Context, broker int32, names []string, limit time.Duration) ([]Topic, error) {
	a.hush()
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
	defer done(ev)
	if err := errorOf(C.rd_kafka_event_error(ev)); err != nil {
		return nil, err
	}
	return topicsOf(ev), nil
}

const describeTopics = 19 // RD_KAFKA_ADMIN_OP_DESCRIBETOPICS

// describe puts the question.
func (a *Admin) describe(broker int32, names []string, limit time.Duration, queue *C.rd_kafka_queue_t) error {
	options := C.rd_kafka_AdminOptions_new(a.rk, describeTopics)
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

// await waits for the one event of a queue; nil when none came.
func await(ctx context.Context, s *signal, queue *C.rd_kafka_queue_t, limit time.Duration) *C.rd_kafka_event_t {
	stop := context.AfterFunc(ctx, s.raise)
	defer stop()
	// librdkafka itself ends the question after limit, and says whom it has waited for.
	until := time.Now().Add(limit + limit/4)
	for {
		if ev, _ := poll(queue); ev != nil {
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

// nodesOf are the numbers of brokers; count is known when the list is.
func nodesOf(list **C.rd_kafka_Node_t, count *C.size_t) []int32 {
	nodes := make([]int32, 0, *count)
	for _, n := range unsafe.Slice(list, *count) {
		nodes = append(nodes, int32(C.rd_kafka_Node_id(n)))
	}
	return nodes
}
