package producer

import (
	"sync"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// sessionBatch is packed records of one topic that a session has produced with one profile since its last push. Many
// records in one call into C cost a fraction of one call each.
type sessionBatch struct {
	producer *producer
	topic    *topic
	packed   *[]byte // of the pool; nil when there are no records
	records  int
	bytes    int64 // their keys and values
	lastPush int64 // number of the session's last push that the accumulator kept
}

const (
	sessionBatchRecords = 64       // in a batch
	sessionBatchBytes   = 16 << 10 // in a batch, and of the largest record in one
)

// sessionBatches are buffers for packed records. An idle session has no buffer.
var sessionBatches = sync.Pool{New: func() any {
	b := make([]byte, 0, 2*sessionBatchBytes+sessionBatchRecords*librdkafka.PackedHead)
	return &b
}}

// takes tells whether the batch can take a record. A large record goes alone. So does a buffered record for one
// partition: its session is told at once if librdkafka does not know the partition.
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

// startsBatch tells whether a record of the topic begins a new batch.
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

// push hands the batch to the accumulator.
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
