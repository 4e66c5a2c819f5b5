package kafka

import (
	"cmp"
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is the form used in errors and logs: topic:partition.
func (tp TopicPartition) String() string { return fmt.Sprintf("%s:%d", tp.Topic, tp.Partition) }

func (tp TopicPartition) compare(other TopicPartition) int {
	return cmp.Or(cmp.Compare(tp.Topic, other.Topic), cmp.Compare(tp.Partition, other.Partition))
}

// Header is one header of a record; names may repeat, a nil value is null.
type Header = librdkafka.Header

// Record is a record as Kafka holds it. Key and Value are nil when they are null.
type Record struct {
	TopicPartition
	Offset    int64
	Timestamp int64 // milliseconds since the epoch, -1 when the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
}

// size is what a record counts against a window in bytes: its payload and what Go adds to it.
func (r *Record) size() int {
	size := len(r.Key) + len(r.Value) + recordOverhead
	for i := range r.Headers {
		size += len(r.Headers[i].Name) + len(r.Headers[i].Value) + headerOverhead
	}
	return size
}

// What a record, and a header of it, cost besides their bytes, about.
const (
	recordOverhead = 64
	headerOverhead = 48
)

// Delivery is a record on its way to a member, and how often it was handed out, this time included. Book
// numbers the partition's ledger that it came from: the partition has another one after it was away, or was
// set back, and what was lent from the old one cannot be settled any more.
type Delivery struct {
	Record
	Attempt int
	Book    uint64
}
