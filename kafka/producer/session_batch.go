package producer

import (
	"sync"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// sessionBatch is what a session has produced with a profile since it last pushed: records of one topic, packed.
// To hand librdkafka many at once costs a fraction of one at a time.
type sessionBatch struct {
	producer *producer
	topic    *topic
	packed   *[]byte // of the pool; nil when there are no records
	records  int
	bytes    int64 // their keys and values
	lastPush int64 // the number of the push that this session last left with the accumulator
}

const (
	sessionBatchRecords = 64       // that a session gathers before they are pushed
	sessionBatchBytes   = 16 << 10 // of such records, and of the largest that is gathered at all
)

// sessionBatches are buffers for packed records: an idle session has none.
var sessionBatches = sync.Pool{New: func() any {
	b := make([]byte, 0, 2*sessionBatchBytes+sessionBatchRecords*librdkafka.PackedHead)
	return &b
}}

// takes tells whether a record can be gathered: it is not large, and librdkafka will have nothing against it that
// a session which does not wait for reports should be told at once.
func (g *sessionBatch) takes(key, value []byte, d *librdkafka.Details) bool {
	size, a := len(key)+len(value), g.producer.accumulator
	if d != nil {
		size += len(d.Headers)
		if d.Partition != AnyPartition && !a.waitsForReports {
			return false
		}
	}
	return int64(size) <= a.maxRecord.Load()
}

// begins tells whether a record of the topic is pushed with none of those that were gathered before.
func (g *sessionBatch) startsBatch(t *topic) bool {
	return g.records == 0 || g.topic != t || g.records == sessionBatchRecords || len(*g.packed) >= sessionBatchBytes
}

// add packs a copy of a record.
func (g *sessionBatch) add(t *topic, key, value []byte, opaque uint64, d *librdkafka.Details) {
	if g.startsBatch(t) {
		g.push()
	}
	if g.packed == nil {
		g.packed, _ = sessionBatches.Get().(*[]byte)
	}
	g.topic = t
	*g.packed = librdkafka.PackRecord(*g.packed, key, value, opaque, d)
	g.records++
	g.bytes += int64(len(key) + len(value))
	t.row.profiles[g.producer.index].accept(len(key) + len(value))
}

// push hands over what was gathered.
func (g *sessionBatch) push() {
	if g.records == 0 {
		return
	}
	g.producer.load(g.topic.topicCounters, int64(g.records), g.bytes)
	g.producer.accumulator.send(g)
	*g.packed = (*g.packed)[:0]
	sessionBatches.Put(g.packed)
	g.topic, g.packed, g.records, g.bytes = nil, nil, 0, 0
}
