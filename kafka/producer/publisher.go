package producer

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// Publisher is one session's handle on the shared producers. Its methods belong to the session's goroutine. Report
// loops enter outcomes from their goroutines.
//
// A buffered record is only counted. A delivered record is tracked: Take returns the outcomes in the order of the
// Deliver calls, although the brokers' answers may have another order.
type Publisher struct {
	producers *Producers
	id        uint32
	wake      func()

	toDeliver, toBuffer sessionBatch

	pending   atomic.Int64 // records of both profiles without a report
	failed    atomic.Int64 // buffered records that failed since the last TakeFailed
	threshold atomic.Int64 // wake the session when pending falls to this; -1 for never
	closed    atomic.Bool
	abandoned atomic.Bool // see Abandon

	mu              sync.Mutex // guards what follows
	ring            outcomeRing
	awaitedSequence uint32 // wake the session when all records before this one have their outcome
	asleep          bool   // the session waits for awaitedSequence
}

// publisherOf is the publisher's number in an opaque value.
func publisherOf(opaque uint64) uint32 { return uint32(opaque>>32) &^ (1 << 31) }

// tracked marks the opaque value of a delivered record. The lower bits are the publisher's number and the sequence
// number.
const tracked = 1 << 63

func (p *Publisher) opaque(sequence uint32) uint64 { return uint64(p.id)<<32 | uint64(sequence) }

// Pending is how many records of the session have no delivery report yet.
func (p *Publisher) Pending() int { return int(p.pending.Load()) }

// TakeFailed returns how many buffered records have failed since its last call.
func (p *Publisher) TakeFailed() int { return int(p.failed.Swap(0)) }

// Room tells whether the session may produce another record. If not, the session is woken when half of its records in
// flight have been reported.
func (p *Publisher) Room() bool {
	limit := p.producers.config().Produce.InFlight
	return p.Pending() < limit || p.Drained(limit/2)
}

// Drained tells whether at most n records are pending. If not, the session is woken when that is so.
func (p *Publisher) Drained(n int) bool {
	p.threshold.Store(int64(n))
	// A report that came before the line above has woken nobody.
	drained := p.Pending() <= n
	if !drained {
		p.Push()
	}
	return drained
}

// Push sends what the session's batches hold. A session calls it before it waits for anything else than its records.
// Calls that ask for outcomes or for room push by themselves.
func (p *Publisher) Push() {
	p.toDeliver.push()
	p.toBuffer.push()
}

// PushWithoutLinger is Push for records that will not linger. A session calls it before its replies leave. Otherwise
// the records would wait for the system call that sends the replies.
func (p *Publisher) PushWithoutLinger() {
	for _, g := range [...]*sessionBatch{&p.toDeliver, &p.toBuffer} {
		if g.records > 0 && g.producer.sendsAtOnce() {
			g.push()
		}
	}
}

// Buffer hands a record to the buffered profile. nil means that the record is queued in memory, not that Kafka has it;
// see Push. A nil key is null. ErrFull means that the session should try again shortly.
func (p *Publisher) Buffer(topic, key, value []byte) error {
	p.pending.Add(1)
	err := p.producers.produce(&p.toBuffer, topic, key, value, p.opaque(0), nil)
	if err != nil {
		p.pending.Add(-1)
	}
	return err
}

// Deliver hands a record to the delivered profile; Take returns its outcome. An error means that the record was not
// taken and has no outcome. ErrFull means that the session should try again shortly.
func (p *Publisher) Deliver(topic, key, value []byte) error { return p.deliver(topic, key, value, nil) }

// deliver is Deliver for a record that may have details.
func (p *Publisher) deliver(topic, key, value []byte, d *librdkafka.Details) error {
	p.pending.Add(1)
	// Track before producing: the report may come before the call returns.
	sequence := p.track()
	err := p.producers.produce(&p.toDeliver, topic, key, value, tracked|p.opaque(sequence), d)
	if err != nil {
		p.untrack()
		p.pending.Add(-1)
	}
	return err
}

// track makes room for the outcome of the next record.
func (p *Publisher) track() (sequence uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.track()
}

// untrack forgets the record that was tracked last, because it was not produced.
func (p *Publisher) untrack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.next--
}

// Take returns the first failure of the n oldest delivered records, and forgets these records. ok is false while one
// of them has no outcome. Then nothing is forgotten, and the session is woken once all have their outcome.
func (p *Publisher) Take(n int) (err *Error, ok bool) {
	p.Push()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.complete(n) {
		return nil, false
	}
	for range n {
		if failure := p.ring.take().err; failure != nil && err == nil {
			err = failure
		}
	}
	p.ring.shrink()
	return err, true
}

// complete tells whether the n oldest records have their outcome. If not, the session is woken when they have.
func (p *Publisher) complete(n int) bool {
	p.awaitedSequence = p.ring.first + uint32(n)
	p.asleep = !p.ring.allReported(p.awaitedSequence)
	return !p.asleep
}

// Forget gives up the n oldest delivered records. Their reports will be counted, but nobody is told.
func (p *Publisher) Forget(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.forget(n)
	p.asleep = false
}

// report enters the end of one record, or of n buffered records. It returns whether to wake the session.
func (p *Publisher) report(r *librdkafka.Report, failure *Error, n int) bool {
	wake := false
	if r.Opaque&tracked != 0 {
		wake = p.resolve(r, failure)
	} else if failure != nil {
		p.failed.Add(int64(n))
	}
	left := p.pending.Add(-int64(n))
	if t := p.threshold.Load(); left <= t && p.threshold.CompareAndSwap(t, -1) {
		wake = true
	}
	if left == 0 && p.closed.Load() {
		p.producers.publishers.release(p)
	}
	return wake
}

// resolve enters the outcome of a delivered record. It returns whether to wake the session.
func (p *Publisher) resolve(r *librdkafka.Report, failure *Error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ring.report(r, failure) {
		return false
	}
	if p.asleep && p.ring.allReported(p.awaitedSequence) {
		p.asleep = false
		return true
	}
	return false
}

// Close ends the handle. The failures of records in flight are still counted and logged.
func (p *Publisher) Close() {
	p.Push()
	p.Abandon()
	p.closed.Store(true)
	p.producers.publishers.release(p)
}

// publishers finds the publisher of a report by the number in the report's opaque value. A number is used again only
// after its publisher was closed and all its records have been reported.
type publishers struct {
	mu   sync.RWMutex
	byID []*Publisher
	free []uint32
}

// maxPublishers is bound by the bits that the opaque value has for the number.
const maxPublishers = 1<<31 - 1

func (t *publishers) add(p *Publisher) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		p.id, t.free = t.free[n-1], t.free[:n-1]
		t.byID[p.id] = p
		return nil
	}
	if len(t.byID) >= maxPublishers {
		return fmt.Errorf("%d sessions have records in flight", len(t.byID))
	}
	p.id = uint32(len(t.byID))
	t.byID = append(t.byID, p)
	return nil
}

func (t *publishers) find(id uint32) *Publisher {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if int(id) < len(t.byID) {
		return t.byID[id]
	}
	return nil
}

// release frees the number of a closed publisher without records in flight. Otherwise the last report does so.
func (t *publishers) release(p *Publisher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.closed.Load() && p.pending.Load() == 0 && t.byID[p.id] == p {
		t.byID[p.id] = nil
		t.free = append(t.free, p.id)
	}
}
