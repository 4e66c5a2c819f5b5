package producer

import (
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// AnyPartition leaves the choice to the partitioner, which uses the key if there is one.
const AnyPartition = librdkafka.Unassigned

// Outgoing is a record to be produced, with headers, partition and timestamp. Nothing of it is kept after the call.
// The topic's name must be valid.
type Outgoing struct {
	Topic     string
	Partition int32 // AnyPartition, or a partition of the topic; 0 is a partition
	Key       []byte
	Value     []byte // nil: a tombstone
	Headers   []record.Header
	Timestamp int64 // milliseconds since the epoch, 0 for now
}

// latest is how far in the future a timestamp may be. It is the brokers' default of message.timestamp.after.max.ms.
// Brokers refuse a whole batch for one such record, with the records of other clients. Brokers that take the record
// never delete its segment by age.
const latest = time.Hour

// details are what a record has besides topic, key and value.
func (o *Outgoing) details() (*librdkafka.Details, error) {
	if reason, cause := unfit(o.Partition, o.Timestamp); reason != "" {
		return nil, &Error{Outcome: record.Rejected, Topic: o.Topic, Reason: reason, Cause: cause}
	}
	return &librdkafka.Details{Partition: o.Partition, Timestamp: o.Timestamp, Headers: librdkafka.PackHeaders(o.Headers)}, nil
}

// unfit says why a partition or a timestamp cannot be; the reason is empty when both can.
func unfit(partition int32, timestamp int64) (reason string, cause error) {
	switch {
	case partition < AnyPartition:
		return reasonFor(librdkafka.UnknownPartition, partition), kerr.ErrNoPartition
	case timestamp < 0:
		return fmt.Sprintf("timestamp %d is before 1970", timestamp), nil
	case timestamp > 0 && timestamp > time.Now().Add(latest).UnixMilli():
		return fmt.Sprintf("timestamp %d is more than %s in the future", timestamp, latest), nil
	}
	return "", nil
}

// Send hands a record to the delivered profile; Results or Take returns its outcome. An error means that the record
// was not taken and has no result. ErrFull means that the session should try again shortly. Any other error is an
// *Error.
func (p *Publisher) Send(out Outgoing) error {
	d, err := out.details()
	if err != nil {
		return err
	}
	p.keepPositions()
	return p.deliver([]byte(out.Topic), out.Key, out.Value, d)
}

// SendPacked is Send for a record whose headers are packed already. Nothing of d is kept after the call.
func (p *Publisher) SendPacked(topic, key, value []byte, d *librdkafka.Details) error {
	if reason, cause := unfit(d.Partition, d.Timestamp); reason != "" {
		return &Error{Outcome: record.Rejected, Topic: string(topic), Reason: reason, Cause: cause}
	}
	p.keepPositions()
	return p.deliver(topic, key, value, d)
}

// SendBuffered hands a record to the buffered profile. nil means that the record is queued in memory, not that Kafka
// has it. The errors are those of Send.
func (p *Publisher) SendBuffered(out Outgoing) error {
	d, err := out.details()
	if err != nil {
		return err
	}
	p.pending.Add(1)
	err = p.producers.produce(&p.toBuffer, []byte(out.Topic), out.Key, out.Value, p.opaque(0), d)
	if err != nil {
		p.pending.Add(-1)
	}
	return err
}

// Result is the outcome of a record, with its position.
type Result struct {
	Partition int32 // of the record, or AnyPartition when none was chosen
	Offset    int64 // -1 when it is not known; the record may be written all the same
	Timestamp int64 // as the brokers keep it, in milliseconds since the epoch; -1 when it is not known
	Err       *Error
}

// Results appends the results of the n oldest delivered records to into, in the order of the Send calls. ok is false
// while one of the records has none. Then nothing is appended, and the session is woken once all have a result.
func (p *Publisher) Results(n int, into []Result) (results []Result, ok bool) {
	p.Push()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.complete(n) {
		return into, false
	}
	for range n {
		into = append(into, p.ring.result())
	}
	p.ring.shrink()
	return into, true
}

// keepPositions has reports enter positions from now on. A session that never sends has no memory for positions.
func (p *Publisher) keepPositions() {
	if p.ring.positions != nil { // only the session's goroutine sets positions
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.keepPositions()
}
