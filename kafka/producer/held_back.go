package producer

import (
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// While no broker answers, delivered records stay at the gate although their topic is known. Nothing can take a record
// back from librdkafka: a client that gives up and sends again would find it twice. What the gate holds can be dropped.
//
// Buffered records go on to librdkafka, whose queue is larger: their clients have their answer already.

// holdsBack tells whether a record of a known topic must wait: no broker answers, or earlier records wait.
func (ps *Producers) holdsBack(t *topic, p *producer) bool {
	return p == ps.delivered && (ps.offline.Load() || t.heldBack.Load())
}

// holdBack keeps a record of a known topic until the brokers were asked for the topic once more.
func (ps *Producers) holdBack(g *sessionBatch, t *topic, key, value []byte, opaque uint64, d *librdkafka.Details) error {
	r := newHeld(g.producer, key, value, opaque, d)
	at := t.awaitingPartition()
	kept, first, err := at.holdBack(r, &ps.offline)
	switch {
	case err != nil:
		return err
	case !kept:
		return ps.gather(g, t, key, value, opaque, d)
	case first:
		ps.lookUp(at)
	}
	return nil
}

// holdBack keeps a record of a known topic while no broker answers, or while earlier records wait.
func (t *topic) holdBack(r heldRecord, offline *atomic.Bool) (kept, first bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !offline.Load() && !t.heldBack.Load() {
		return false, false, nil
	}
	if !t.held.add(r) {
		return false, false, kerr.ErrFull
	}
	r.producer.held.Add(1)
	t.heldBack.Store(true)
	first = knowledge(t.state.Load()) != asking
	t.state.Store(int32(asking))
	return true, first, nil
}

// drop ends the records at the gate that are wanted. They are not sent any more.
func (ps *Producers) drop(wanted func(opaque uint64) bool, reason string) {
	for _, t := range ps.topics.all() {
		t.drop(ps, wanted, reason)
	}
}

// drop ends the records of one topic that are wanted.
func (t *topic) drop(ps *Producers, wanted func(opaque uint64) bool, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropHeld(ps, wanted, reason)
}

// dropHeld is drop for who has the lock.
func (t *topic) dropHeld(ps *Producers, wanted func(opaque uint64) bool, reason string) {
	var lost lossLog
	t.held.keep(func(r *heldRecord) bool {
		if !wanted(r.opaque) {
			return true
		}
		failure := &Error{Outcome: record.Retry, Topic: t.name, Reason: reason}
		lost.add(*failure)
		ps.giveUp(t, r, failure)
		return false
	})
	lost.log(ps.log, time.Now())
}

// GiveUp ends the wait for the n oldest delivered records, after which each has an outcome. What sluice still holds is not
// sent any more. What librdkafka has may be written all the same, and its report will be counted.
func (p *Publisher) GiveUp(n int, after time.Duration) {
	p.mu.Lock()
	first := p.ring.first
	p.mu.Unlock()
	why := p.producers.problem("", AnyPartition)
	p.producers.drop(func(opaque uint64) bool {
		return p.tracks(opaque) && uint32(opaque)-first < uint32(n)
	}, withReason("not sent within "+after.String(), why))
	p.giveUp(n, &Error{Outcome: record.Unknown, Reason: withReason("no answer of the brokers within "+after.String(), why)})
}

// giveUp enters an outcome for those of the n oldest records that have none.
func (p *Publisher) giveUp(n int, failure *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.giveUp(n, failure)
	p.asleep = false
}

// withReason adds what is known of the reason.
func withReason(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// tracks tells whether an opaque value is that of a delivered record of the session.
func (p *Publisher) tracks(opaque uint64) bool {
	return opaque&tracked != 0 && publisherOf(opaque) == p.id
}

// Abandon says that the client sends nothing more, and may have gone. While no broker answers, what sluice holds of it is
// dropped: the client may not learn the outcome, and send again.
func (p *Publisher) Abandon() {
	p.abandoned.Store(true)
	if ps := p.producers; p.pending.Load() > 0 && ps.offline.Load() {
		ps.drop(p.tracks, withReason(clientGone, ps.problem("", AnyPartition)))
	}
}

// clientGone is the reason why such a record is dropped.
const clientGone = "its client has closed the connection"

// isAbandoned tells whether an opaque value is that of a delivered record whose client may have gone.
func (ps *Producers) isAbandoned(opaque uint64) bool {
	p := ps.publishers.find(publisherOf(opaque))
	return opaque&tracked != 0 && p != nil && p.abandoned.Load()
}
