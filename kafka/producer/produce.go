package producer

import (
	"cmp"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// produce takes a record from a session. A record of a known topic joins the session's batch. Another goes to the
// gate. Nothing of d is kept; it is nil for a record without details.
func (ps *Producers) produce(g *sessionBatch, topic, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	t, err := ps.topics.find(topic)
	if err != nil {
		return err
	}
	isKnown := knowledge(t.state.Load()) == known
	if isKnown && !ps.holdsBack(t, g.producer) {
		return ps.gather(g, t, key, value, opaque, d)
	}
	g.push() // earlier records go first
	if isKnown {
		return ps.holdBack(g, t, key, value, opaque, d)
	}
	return ps.hold(g, t, key, value, opaque, d)
}

// gather takes a record of a known topic.
func (ps *Producers) gather(g *sessionBatch, t *topic, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	a := g.producer.accumulator
	if a.full() {
		return kerr.ErrFull
	}
	if g.startsBatch(t) && g.producer.exceedsShare(t.topicCounters) { // once for each batch
		return ps.shareError(t, g.producer)
	}
	if g.takes(key, value, d) {
		g.add(t, key, value, opaque, d)
		return nil
	}
	g.push()
	if !a.handedOver(g) {
		a.drain(true)
	}
	if !a.handedOver(g) {
		return kerr.ErrFull
	}
	return ps.enqueue(t, g.producer, key, value, opaque, d)
}

// hold keeps a record at the gate while the brokers are asked for its topic.
func (ps *Producers) hold(g *sessionBatch, t *topic, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	r := newHeld(g.producer, key, value, opaque, d)
	released, first, err := t.hold(r)
	switch {
	case err != nil:
		return err
	case released:
		return ps.gather(g, t, key, value, opaque, d)
	case first:
		ps.lookUp(t)
	}
	return nil
}

// enqueue hands one record to librdkafka. Its topic is known, or was.
func (ps *Producers) enqueue(t *topic, p *producer, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	code, err := p.produce(t.name, key, value, opaque, d)
	switch {
	case err == nil && code == librdkafka.None:
		t.row.profiles[p.index].accept(len(key) + len(value))
		p.load(t.topicCounters, 1, int64(len(key)+len(value)))
		return nil
	case err == nil && code == librdkafka.QueueFull:
		return kerr.ErrFull
	case err == nil && code == librdkafka.UnknownPartition:
		return ps.checkPartition(t, d)
	case err == nil && unknownTopicOrPartition(code):
		r := newHeld(p, key, value, opaque, d)
		return ps.lookAgain(t, &r, code)
	}
	return ps.notTaken(t, code, err, partitionOf(d))
}

// checkPartition answers for a partition that the producer does not know, when the session does not wait for reports.
// The session should try again until the brokers were asked. Then it is told that the partition does not exist.
func (ps *Producers) checkPartition(t *topic, d *librdkafka.Details) error {
	at := t.awaitingPartition()
	is, first := at.has(int(partitionOf(d)), time.Now())
	if first {
		ps.lookUp(at)
	}
	if is {
		return kerr.ErrFull
	}
	return ps.notTaken(t, librdkafka.UnknownPartition, nil, partitionOf(d))
}

// unknownTopicOrPartition tells whether the producer does not know a record's topic or partition. The brokers may know
// it.
//
//checker:seam unknown-to-the-producer
func unknownTopicOrPartition(code librdkafka.Code) bool {
	return code == librdkafka.UnknownPartition || code == librdkafka.UnknownTopicLocal || code == librdkafka.UnknownTopic
}

// waitingTopic is where such a record waits.
func (t *topic) waitingTopic(code librdkafka.Code) *topic {
	if code == librdkafka.UnknownPartition {
		return t.awaitingPartition()
	}
	return t
}

// lookAgain holds a record at the gate until the brokers were asked once more. The error is ErrFull, or says that they
// were asked just now.
func (ps *Producers) lookAgain(t *topic, r *heldRecord, code librdkafka.Code) error {
	at := t.waitingTopic(code)
	for {
		at.state.CompareAndSwap(int32(known), int32(unasked))
		released, first, err := at.hold(*r)
		if released {
			continue // the topic was opened meanwhile
		}
		if first {
			ps.lookUp(at)
		}
		return err
	}
}

// notTaken says why librdkafka did not take a record.
func (ps *Producers) notTaken(t *topic, code librdkafka.Code, err error, partition int32) *Error {
	if err != nil {
		return &Error{Outcome: record.Retry, Topic: t.name, Reason: kerr.ErrStopping.Error()}
	}
	if code == librdkafka.UnknownTopicLocal || code == librdkafka.UnknownTopic {
		ps.topics.invalidate(t.name)
	}
	reason := reasonFor(code, partition)
	if code == librdkafka.MessageTooLarge { // no broker was asked
		reason = fmt.Sprintf("the record is above the producer's message.max.bytes, %d: raise it in kafka.producer", ps.config().LargestRecord())
	}
	return &Error{
		Outcome: outcomeOf(code, librdkafka.NotPersisted), Topic: t.name, Reason: reason, Cause: causeOf(code),
	}
}

// reportEnd tells a session of the end of a record for which librdkafka has no report.
func (ps *Producers) reportEnd(end *librdkafka.Report, failure *Error) {
	if p := ps.publishers.find(publisherOf(end.Opaque)); p != nil && p.report(end, failure, 1) {
		p.wake()
	}
}

// partitionOf is the partition that a record is for, AnyPartition for a record without details.
func partitionOf(d *librdkafka.Details) int32 {
	if d == nil {
		return AnyPartition
	}
	return d.Partition
}

// giveUp ends a record at the gate, which librdkafka never had.
func (ps *Producers) giveUp(t *topic, r *heldRecord, failure *Error) {
	row := cmp.Or(t.row, ps.counters.others)
	if r.counted {
		r.producer.unload(t.topicCounters, 1, int64(r.size()))
	} else {
		row.profiles[r.producer.index].accept(r.size())
		r.producer.held.Add(-1)
	}
	row.profiles[r.producer.index].end(failure.Outcome, 1)
	ps.reportEnd(&librdkafka.Report{Opaque: r.opaque, Partition: partitionOf(r.details), Offset: -1, Timestamp: -1}, failure)
}
