package kafka

import (
	"cmp"
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// produce takes a record from a session: to librdkafka when its topic is known, else to the gate. Its
// details are nil when it has none, and not changed any more.
func (c *Client) produce(p *producer, topic, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	t, err := c.topics.find(topic)
	if err != nil {
		return err
	}
	if knowledge(t.state.Load()) == known {
		return c.push(t, p, key, value, opaque, d)
	}
	return c.hold(t, p, key, value, opaque, d)
}

// hold keeps a record at the gate while its topic is looked up.
func (c *Client) hold(t *topic, p *producer, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	r := heldRecord{producer: p, key: clone(key), value: clone(value), details: d, opaque: opaque, since: time.Now()}
	released, first, err := t.hold(r)
	switch {
	case err != nil:
		return err
	case released:
		return c.push(t, p, key, value, opaque, d)
	case first && !c.start(func() { c.lookUp(c.ctx, t) }):
		t.strand(c)
	}
	return nil
}

// clone copies bytes out of a session's buffer, keeping null apart from empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// push hands a record to librdkafka. Its topic is, or was, known.
func (c *Client) push(t *topic, p *producer, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	code, err := p.produce(t.name, key, value, opaque, d)
	if err != nil {
		return &ProduceError{Outcome: Retry, Topic: t.name, Reason: ErrStopping.Error()}
	}
	switch code {
	case librdkafka.None:
		t.row.tallies[p.index].take(len(key) + len(value))
		return nil
	case librdkafka.QueueFull:
		return ErrFull
	case librdkafka.UnknownTopicLocal, librdkafka.UnknownTopic:
		c.topics.doubt(t.name)
	}
	return &ProduceError{
		Outcome: outcomeOf(code, librdkafka.NotPersisted), Topic: t.name, Reason: reasonFor(code, partitionOf(d)), Cause: causes[code],
	}
}

// partitionOf is the partition that a record is to be written to, AnyPartition for one without details.
func partitionOf(d *librdkafka.Details) int32 {
	if d == nil {
		return AnyPartition
	}
	return d.Partition
}

// giveUp ends a record at the gate, which librdkafka never saw.
func (c *Client) giveUp(t *topic, r *heldRecord, failure *ProduceError) {
	row := cmp.Or(t.row, c.produced.others)
	row.tallies[r.producer.index].take(r.size())
	row.tallies[r.producer.index].end(failure.Outcome, 1)
	r.producer.held.Add(-1)
	end := librdkafka.Report{Opaque: r.opaque, Partition: partitionOf(r.details), Offset: -1, Timestamp: -1}
	if p := c.publishers.find(publisherOf(r.opaque)); p != nil && p.report(&end, failure, 1) {
		p.wake()
	}
}

func asProduceError(err error, topic string) *ProduceError {
	var failure *ProduceError
	if errors.As(err, &failure) {
		return failure
	}
	return &ProduceError{Outcome: Retry, Topic: topic, Reason: err.Error()}
}
