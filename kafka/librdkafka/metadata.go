package librdkafka

// #include "abi.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"math"
	"time"
	"unsafe"
)

// RequestTopics has the handle ask for topics, all in one request, and again, another broker, while there is no answer.
// Else it asks for each topic by itself with its first record, and once: with thousands of topics that takes
// seconds, and what a silent broker was asked is lost for a minute. It takes at most limit, in which its thread is
// inside librdkafka.
//
// librdkafka has no call for that. One that asks the leaders of partitions begins with it, and ends there for a
// partition that no topic has.
func (p *Producer) RequestTopics(topics []string, limit time.Duration) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	if p.gone {
		return
	}
	list := C.rd_kafka_topic_partition_list_new(C.int(len(topics)))
	defer C.rd_kafka_topic_partition_list_destroy(list)
	for _, topic := range topics {
		name := C.CString(topic)
		C.rd_kafka_topic_partition_list_add(list, name, math.MaxInt32)
		C.free(unsafe.Pointer(name))
	}
	C.rd_kafka_offsets_for_times(p.rk, list, millis(limit))
}

// RefreshTopic has the handle ask for a topic that it knows, again: it may have got partitions, or have been created anew.
// It takes at most limit, in which its thread is inside librdkafka.
func (p *Producer) RefreshTopic(topic string, limit time.Duration) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	p.gates[0].Lock()
	rkt := p.topics[topic]
	p.gates[0].Unlock()
	if rkt != nil && !p.gone {
		p.ask(rkt, limit)
	}
}

// RefreshTopics has the handle ask for all topics that it knows, and again, another broker, after each turn without an
// answer. It takes three turns at most, in which its thread is inside librdkafka.
func (p *Producer) RefreshTopics(ctx context.Context, turn time.Duration) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	for tries := 0; tries < 3 && !p.gone && ctx.Err() == nil; tries++ {
		if p.ask(nil, turn) == None {
			return
		}
	}
}

// ask asks for one topic, or for all that the handle knows.
func (p *Producer) ask(only *C.rd_kafka_topic_t, limit time.Duration) Code {
	var metadata *C.rd_kafka_metadata_t
	code := C.rd_kafka_metadata(p.rk, 0, only, &metadata, millis(limit))
	if code == 0 {
		C.rd_kafka_metadata_destroy(metadata)
	}
	return Code(code)
}
