package producer

import (
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// AnyPartition leaves the choice of the partition to the partitioner: by the key when there is one.
const AnyPartition = librdkafka.Unassigned

// Outgoing is a record to be produced, with all that a record can have. Nothing of it is kept: its bytes
// may be used again when the call returns. The topic must be a possible name.
type Outgoing struct {
	Topic     string
	Partition int32 // AnyPartition, or one that the topic has; zero is a partition as well
	Key       []byte
	Value     []byte // nil: a tombstone
	Headers   []record.Header
	Timestamp int64 // milliseconds since the epoch, 0 for now
}

// latest is how far in the future a record's timestamp may be: as far as brokers take it by default
// (message.timestamp.after.max.ms). They refuse a whole batch for one such record, and the records of other
// clients are in it; those that do take it never delete its segment by age.
const latest = time.Hour

// details are what Deliver and Buffer have no words for.
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

// Send hands a record to the delivered profile; Results, or Take, tells how it ended. An error means that
// the record was not taken and has no result. ErrFull asks to try again shortly, all else is a *ProduceError.
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

// SendBuffered hands a record to the buffered profile: nil means that it is queued in memory, not that it
// is in Kafka. Errors are Send's.
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

// Result is how a record that was sent has ended.
type Result struct {
	Partition int32 // where it is, or would have been; AnyPartition when none was chosen
	Offset    int64 // -1 when it is not known, which may be so although it was written
	Timestamp int64 // as the brokers keep it, in milliseconds since the epoch; -1 when it is not known
	Err       *Error
}

// Results appends the results of the n oldest delivered records to into, in the order of the Send calls, all
// or none: ok is false while one of them has none, and then the session is woken once they all have.
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

// keepPositions makes reports leave their places from now on: a session that never asks has no ring for them.
func (p *Publisher) keepPositions() {
	if p.ring.positions != nil { // only the session's goroutine changes that
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.keepPositions()
}
