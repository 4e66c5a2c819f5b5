package producer

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// topicGate is the gate between what clients name and what librdkafka is told: librdkafka never
// forgets a topic, and fails the records of one that does not exist only after
// topic.metadata.propagation.max.ms. A topic is looked up once; until it is known, its records wait
// here, and a missing one is refused for a while without asking again.
type topicGate struct {
	limit atomic.Int64
	bytes atomic.Int64 // of the records that all topics hold
	mu    sync.RWMutex
	names map[string]*topic

	lookups lookups
}

type knowledge int32

const (
	unasked knowledge = iota
	asking
	known
	missing
)

// topic is what is known of one topic, and the records that wait for it.
type topic struct {
	gate  *topicGate
	name  string
	state atomic.Int32 // knowledge

	// accounts are where its records are counted: set before it is first known, and never again.
	topicCounters

	lookup          lookupHistory // belongs to the inquiry
	awaitsPartition bool          // it holds only records whose partition is not known
	due             time.Time     // when it may be asked for; guarded by the lookups' mu

	mu         sync.Mutex // guards what follows
	awaiting   *topic     // holds the records whose partition is not known; nil before the first
	partitions partitionCount
	until      time.Time // missing: ask again after this
	held       heldRecords
}

func newTopic(gate *topicGate, name string) *topic {
	return &topic{gate: gate, name: name, held: heldRecords{inAll: &gate.bytes}}
}

// partitionCount is how many partitions a topic had when the brokers were last asked.
type partitionCount struct {
	count int
	asked time.Time
}

// lacks tells whether the brokers said just now that there is no such partition.
func (c *partitionCount) lacks(partition int, now time.Time) bool {
	return now.Sub(c.asked) < lookAgainAfter && partition >= c.count
}

const missingFor = 3 * time.Second // a topic known to be missing is refused so long

// find returns the topic's entry, making one if there is room.
func (t *topicGate) find(name []byte) (*topic, error) {
	t.mu.RLock()
	entry := t.names[string(name)]
	t.mu.RUnlock()
	if entry != nil {
		return entry, nil
	}
	return t.add(string(name))
}

func (t *topicGate) add(name string) (*topic, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry := t.names[name]; entry != nil {
		return entry, nil
	}
	if cluster.InternalTopic(name) { // brokers refuse it too, but a broker without such a topic may make one
		return nil, &Error{Outcome: record.Rejected, Topic: name, Reason: "it is Kafka's own, and no client may write to it"}
	}
	limit := int(t.limit.Load())
	if len(t.names) >= limit {
		t.forgetMissing()
	}
	if len(t.names) >= limit {
		return nil, &Error{
			Outcome: record.Rejected, Topic: name, Reason: fmt.Sprintf("produce.max_topics: %d topics are in use already", limit),
		}
	}
	entry := newTopic(t, name)
	t.names[name] = entry
	return entry, nil
}

// all lists the topics, and apart from them those that hold records of unknown partitions.
func (t *topicGate) all() []*topic {
	t.mu.RLock()
	all := slices.Collect(maps.Values(t.names))
	t.mu.RUnlock() // a topic's lock is taken before this one
	for _, entry := range all {
		entry.mu.Lock()
		if entry.awaiting != nil {
			all = append(all, entry.awaiting)
		}
		entry.mu.Unlock()
	}
	return all
}

func (t *topicGate) forgetMissing() {
	for name, entry := range t.names {
		if knowledge(entry.state.Load()) == missing {
			delete(t.names, name)
		}
	}
}

// doubt makes the next record of the topic look it up again: librdkafka says it is gone.
func (t *topicGate) invalidate(name string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if entry := t.names[name]; entry != nil {
		entry.state.CompareAndSwap(int32(known), int32(unasked))
	}
}

// hold keeps a record until its topic is looked up. first is true when that has to be started.
// released means that the topic became known meanwhile: produce it.
func (t *topic) hold(r heldRecord) (released, first bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch knowledge(t.state.Load()) {
	case known:
		return true, false, nil
	case missing:
		if time.Now().Before(t.until) {
			return false, false, t.refusal()
		}
	}
	if !t.held.add(r) {
		return false, false, kerr.ErrFull
	}
	if !r.counted {
		r.producer.held.Add(1)
	}
	first = knowledge(t.state.Load()) != asking
	t.state.Store(int32(asking))
	return false, first, nil
}

// empty forgets what was held, all of which has gone on or ended.
func (t *topic) empty(now knowledge) {
	t.held.clear()
	t.state.Store(int32(now))
}

func (t *topic) refusal() *Error {
	return &Error{
		Outcome: record.Rejected, Topic: t.name, Reason: "it does not exist and the brokers do not create topics", Cause: kerr.ErrNoTopic,
	}
}

// holders are the producers of the records that are held.
func (t *topic) holders() []*producer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held.producers()
}

// open hands on what is held, in order, and lets further records pass.
func (t *topic) open(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row == nil {
		t.topicCounters = ps.counters.admit(t.name, ps.config().MaxTopicRows)
	}
	for _, p := range ps.all {
		p.accumulator.addHeld(t, t.held.records)
	}
	if t.awaitsPartition {
		t.empty(unasked)
		return
	}
	t.empty(known)
}

// awaitingPartition is the topic that holds the records whose partition is not known, so that the others need not wait.
func (t *topic) awaitingPartition() *topic {
	if t.awaitsPartition {
		return t
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.awaiting == nil {
		t.awaiting = newTopic(t.gate, t.name)
		t.awaiting.topicCounters, t.awaiting.awaitsPartition = t.topicCounters, true
	}
	return t.awaiting
}

// has tells whether there may be a partition: the brokers were not asked just now, or know it. first is true when they
// are to be asked.
func (t *topic) has(partition int, now time.Time) (may, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.partitions.lacks(partition, now) {
		return false, false
	}
	first = knowledge(t.state.Load()) != asking
	t.state.Store(int32(asking))
	return true, first
}

// turnAway ends the records for partitions that the topic does not have.
func (t *topic) rejectUnknownPartitions(ps *Producers, partitions int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partitions = partitionCount{count: partitions, asked: time.Now()}
	var lost lossLog
	t.held.keep(func(r *heldRecord) bool {
		partition := partitionOf(r.details)
		if int(partition) < partitions {
			return true
		}
		failure := &Error{
			Outcome: record.Rejected, Topic: t.name, Reason: reasonFor(librdkafka.UnknownPartition, partition), Cause: kerr.ErrNoPartition,
		}
		lost.add(*failure)
		ps.giveUp(t, r, failure)
		return false
	})
	lost.log(ps.log, time.Now())
}

// abandon ends the first n records that are held.
func (t *topic) giveUpFirst(ps *Producers, n int, failure *Error) {
	var lost lossLog
	for _, r := range t.held.take(n) {
		lost.add(*failure)
		ps.giveUp(t, &r, failure)
	}
	lost.log(ps.log, time.Now())
}

// refuse fails what is held, and what comes in the next seconds.
func (t *topic) refuse(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUpFirst(ps, len(t.held.records), t.refusal())
	t.until = time.Now().Add(missingFor)
	t.empty(missing)
}

// expire fails what has been held too long; with nothing left the look-up is over and done is true.
func (t *topic) expire(ps *Producers, before time.Time, reason string) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUpFirst(ps, t.held.older(before), &Error{Outcome: record.Retry, Topic: t.name, Reason: reason})
	if len(t.held.records) > 0 {
		return false
	}
	t.empty(unasked)
	return true
}

// strand gives up what is held because the client is being closed.
func (t *topic) giveUpHeld(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUpFirst(ps, len(t.held.records), &Error{Outcome: record.Retry, Topic: t.name, Reason: kerr.ErrStopping.Error()})
	t.empty(unasked)
}
