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
	switch {
	case o.Partition < AnyPartition:
		return nil, &Error{
			Outcome: record.Rejected, Topic: o.Topic, Reason: reasonFor(librdkafka.UnknownPartition, o.Partition), Cause: kerr.ErrNoPartition,
		}
	case o.Timestamp < 0:
		return nil, &Error{Outcome: record.Rejected, Topic: o.Topic, Reason: fmt.Sprintf("timestamp %d is before 1970", o.Timestamp)}
	case o.Timestamp > 0 && o.Timestamp > time.Now().Add(latest).UnixMilli():
		return nil, &Error{
			Outcome: record.Rejected, Topic: o.Topic, Reason: fmt.Sprintf("timestamp %d is more than %s in the future", o.Timestamp, latest),
		}
	}
	return &librdkafka.Details{Partition: o.Partition, Timestamp: o.Timestamp, Headers: librdkafka.PackHeaders(o.Headers)}, nil
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
	p.pending.Add(1)
	sequence := p.track()
	err = p.producers.produce(&p.toDeliver, []byte(out.Topic), out.Key, out.Value, tracked|p.opaque(sequence), d)
	if err != nil {
		p.untrack()
		p.pending.Add(-1)
	}
	return err
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
