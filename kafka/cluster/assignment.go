package cluster

import (
	"encoding/binary"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// assigned reads which partitions a member of a consumer group has, from the bytes that another client
// wrote (ConsumerProtocolAssignment.json of Kafka's clients): a version, a list of topics, each with a list of
// partitions, and data that is nobody's business. What makes no sense is no assignment.
func assigned(text []byte) []record.TopicPartition {
	r := assignmentReader{rest: text}
	r.short() // the version: what later ones add comes behind
	var partitions []record.TopicPartition
	for range r.count(2 + 4) {
		topic := string(r.take(int(r.short())))
		for range r.count(4) {
			partitions = append(partitions, record.TopicPartition{Topic: topic, Partition: r.long()})
		}
	}
	if r.broken {
		return nil
	}
	return partitions
}

// assignmentReader takes big-endian numbers and strings off the front of some bytes.
type assignmentReader struct {
	rest   []byte
	broken bool // there was less than was asked for
}

func (r *assignmentReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.broken, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *assignmentReader) short() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b)) //nolint:gosec // so it was written
	}
	return 0
}

func (r *assignmentReader) long() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // so it was written
	}
	return 0
}

// count takes the length of a list whose elements have at least so many bytes: there cannot be more of them
// than there is room for. A negative length is a null list, which has none.
func (r *assignmentReader) count(least int) int {
	n := max(0, int(r.long()))
	if n > len(r.rest)/least {
		r.broken, r.rest = true, nil
		return 0
	}
	return n
}
