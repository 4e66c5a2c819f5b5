package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"math"
	"time"
	"unsafe"
)

// RequestTopics asks for the metadata of topics in one request, and asks another broker while there is no answer. It holds a
// thread for at most limit.
//
// Without this call librdkafka asks for each topic with its first record, and only once. With thousands of topics that takes
// seconds, and after a broker that does not answer it takes a minute.
//
// librdkafka has no call for the metadata of several topics. The call for offsets of partitions first asks for their
// metadata. With a partition number that no topic has it ends there.
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

// RefreshTopic asks again for the metadata of a topic that the handle knows: the topic may have got partitions, or have been
// created anew. It holds a thread for at most limit.
func (p *Producer) RefreshTopic(topic string, limit time.Duration) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	p.locks[0].Lock()
	rkt := p.topics[topic]
	p.locks[0].Unlock()
	if rkt != nil && !p.gone {
		p.requestMetadata(rkt, limit)
	}
}

// RefreshTopics asks for the metadata of all topics that the handle knows. It asks another broker after each turn without an
// answer, and holds a thread for three turns at most.
func (p *Producer) RefreshTopics(ctx context.Context, turn time.Duration) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	for tries := 0; tries < 3 && !p.gone && ctx.Err() == nil; tries++ {
		if p.requestMetadata(nil, turn) == None {
			return
		}
	}
}

// requestMetadata asks for one topic, or with nil for all topics that the handle knows.
func (p *Producer) requestMetadata(only *C.rd_kafka_topic_t, limit time.Duration) Code {
	var metadata *C.struct_rd_kafka_metadata
	code := C.rd_kafka_metadata(p.rk, 0, only, &metadata, millis(limit))
	if code == 0 {
		C.rd_kafka_metadata_destroy(metadata)
	}
	return Code(code)
}
