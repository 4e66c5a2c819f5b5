// Package record has the types by which all packages of kafka name records.
//
// These are the record, its topic, partition and offset, and the outcome of a record that was produced.
package record

import (
	"cmp"
	"fmt"
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is the form used in errors and logs: topic:partition.
func (tp TopicPartition) String() string { return fmt.Sprintf("%s:%d", tp.Topic, tp.Partition) }

// Compare orders partitions by topic, then by number.
func (tp TopicPartition) Compare(other TopicPartition) int {
	return cmp.Or(cmp.Compare(tp.Topic, other.Topic), cmp.Compare(tp.Partition, other.Partition))
}

// PartitionOffset is an offset of a partition.
type PartitionOffset struct {
	TopicPartition
	Offset int64
}

// Header is one header of a record; names may repeat, a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

// Record is a record as Kafka holds it. Key and Value are nil when they are null.
type Record struct {
	TopicPartition
	Offset    int64
	Timestamp int64 // milliseconds since the epoch, -1 when the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Size is what a record counts against a window in bytes: its payload and what Go adds to it.
func (r *Record) Size() int {
	size := len(r.Key) + len(r.Value) + Overhead
	for i := range r.Headers {
		size += len(r.Headers[i].Name) + len(r.Headers[i].Value) + headerOverhead
	}
	return size
}

// What a record, and a header of it, cost besides their bytes, about.
const (
	Overhead       = 64
	headerOverhead = 48
)

// Outcome is how a produced record ended. Every record ends as exactly one of them.
type Outcome int

// The four ends of a produced record.
const (
	// OK: the brokers have it, on as many replicas as acks=all asks for.
	OK Outcome = iota
	// Rejected: not written, and not to be sent again unchanged.
	Rejected
	// Retry: not written, safe to send again.
	Retry
	// Unknown: it may have been written; sending it again may duplicate it.
	Unknown
)

var outcomeNames = [...]string{OK: "ok", Rejected: "rejected", Retry: "retry", Unknown: "unknown"}

// String is the word used on the wire, in stats and in logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Names are the names of partitions for a log line: the first twenty, then three dots.
func Names(partitions []TopicPartition) []string {
	const most = 20
	var list []string
	for _, tp := range partitions {
		if len(list) == most {
			return append(list, "...")
		}
		list = append(list, tp.String())
	}
	return list
}
