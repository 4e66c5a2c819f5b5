package producer

import (
	"cmp"
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

// topicGate holds records until their topic is known to exist. librdkafka never forgets a topic. It fails the records
// of a missing topic only after topic.metadata.propagation.max.ms.
//
// sluice looks a topic up once. It refuses a missing topic for missingFor without another question.
type topicGate struct {
	limit atomic.Int64 // topics
	bytes atomic.Int64 // weight of the records that all topics hold
	mu    sync.RWMutex
	names map[string]*topic

	lookups lookups
}

// knowledge is what sluice knows of a topic.
type knowledge int32

const (
	unasked knowledge = iota
	asking
	known
	missing // or denied
)

// topic is what sluice knows of one topic, with the records that wait for the topic.
type topic struct {
	gate  *topicGate
	name  string
	state atomic.Int32 // knowledge

	// The counters are set before the topic is first known, and never again.
	topicCounters

	heldBack        *atomic.Bool  // some records wait although the topic is known, and later ones must not overtake them
	lookup          lookupHistory // belongs to the look-up loop
	awaitsPartition bool          // it is another topic's awaiting
	due             time.Time     // not asked for before; guarded by the mutex of lookups

	mu         sync.Mutex // guards what follows
	awaiting   *topic     // see awaitingPartition; nil before the first such record
	partitions partitionCount
	until      time.Time // a missing topic is refused until then
	changed    time.Time // when sluice last changed the topic at the brokers
	denied     *Error    // what a record of the topic is told instead, because the brokers do not allow it; else nil
	held       heldRecords
}

func newTopic(gate *topicGate, name string) *topic {
	return &topic{gate: gate, name: name, heldBack: new(atomic.Bool), held: heldRecords{inAll: &gate.bytes}}
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

// missingFor is how long a missing topic is refused without another question.
const missingFor = 3 * time.Second

// find returns the topic of a name. It makes one if there is room.
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
	if cluster.InternalTopic(name) { // brokers refuse it too, but a broker without it may create it
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

// all lists the topics, and also those that hold the records of unknown partitions.
func (t *topicGate) all() []*topic {
	t.mu.RLock()
	all := slices.Collect(maps.Values(t.names))
	t.mu.RUnlock() // because a topic's lock is taken before this one
	for _, entry := range all {
		entry.mu.Lock()
		if entry.awaiting != nil {
			all = append(all, entry.awaiting)
		}
		entry.mu.Unlock()
	}
	return all
}

// forgetMissing makes room for other topics. The lock is held.
func (t *topicGate) forgetMissing() {
	for name, entry := range t.names {
		if knowledge(entry.state.Load()) == missing {
			delete(t.names, name)
		}
	}
}

// deny refuses a topic for missingFor, because the brokers have just refused a record of it for want of a right.
func (t *topicGate) deny(failure *Error) {
	t.mu.RLock()
	entry := t.names[failure.Topic]
	t.mu.RUnlock() // because a topic's lock is taken before this one
	if entry == nil {
		return
	}
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.state.CompareAndSwap(int32(known), int32(missing)) {
		entry.denied, entry.until = failure, time.Now().Add(missingFor)
	}
}

// invalidate has the topic looked up again, because librdkafka says that it is gone.
func (t *topicGate) invalidate(name string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if entry := t.names[name]; entry != nil {
		entry.state.CompareAndSwap(int32(known), int32(unasked))
	}
}

// Changed has a topic looked up again, because sluice has created, altered or deleted it. What is known of it counts no
// more, also what a question under way will be told.
func (ps *Producers) Changed(name string) {
	ps.topics.mu.RLock()
	entry := ps.topics.names[name]
	ps.topics.mu.RUnlock() // because a topic's lock is taken before this one
	if entry == nil {
		return
	}
	if awaiting := entry.forget(); awaiting != nil {
		awaiting.forget()
	}
}

// forget makes the next record ask. It returns the topic that holds the records of unknown partitions, nil for none.
func (t *topic) forget() (awaiting *topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed, t.until, t.partitions = time.Now(), time.Time{}, partitionCount{}
	t.state.CompareAndSwap(int32(known), int32(unasked))
	return t.awaiting
}

// hold keeps a record until its topic is looked up. first says that the caller must start the look-up. released says
// that the topic became known meanwhile, and that the caller must produce the record.
func (t *topic) hold(r heldRecord) (released, first bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch knowledge(t.state.Load()) {
	case known:
		return true, false, nil
	case missing:
		if time.Now().Before(t.until) {
			return false, false, cmp.Or(t.denied, t.refusal())
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

// empty forgets what was held. All of it has been handed on, or has ended.
func (t *topic) empty(now knowledge) {
	t.held.clear()
	if t.awaitsPartition {
		t.heldBack.Store(false)
	}
	t.state.Store(int32(now))
}

func (t *topic) refusal() *Error {
	return &Error{
		Outcome: record.Rejected, Topic: t.name, Reason: "it does not exist and the brokers do not create topics", Cause: kerr.ErrNoTopic,
	}
}

// holders are the producers whose records are held.
func (t *topic) holders() []*producer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held.producers()
}

// open hands on what is held, in order. Further records of a known topic do not wait.
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

// awaitingPartition is the topic that holds the records whose partition is not known. The records of other partitions
// need not wait for those.
func (t *topic) awaitingPartition() *topic {
	if t.awaitsPartition {
		return t
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.awaiting == nil {
		t.awaiting = newTopic(t.gate, t.name)
		t.awaiting.topicCounters, t.awaiting.awaitsPartition, t.awaiting.heldBack = t.topicCounters, true, t.heldBack
	}
	return t.awaiting
}

// has tells whether a partition may exist: the brokers know it, or were not asked just now. first says that the caller
// must start the look-up.
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

// rejectUnknownPartitions ends the records for partitions that the topic does not have.
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

// giveUpFirst ends the first n records that are held. The lock is held.
func (t *topic) giveUpFirst(ps *Producers, n int, failure *Error) {
	var lost lossLog
	for _, r := range t.held.take(n) {
		lost.add(*failure)
		ps.giveUp(t, &r, failure)
	}
	lost.log(ps.log, time.Now())
}

// refuse ends what is held, because the topic is missing. Further records are refused for missingFor.
func (t *topic) refuse(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUpFirst(ps, len(t.held.records), t.refusal())
	t.denied, t.until = nil, time.Now().Add(missingFor)
	if time.Since(t.changed) < missingFor { // the answer may be older than the change
		t.until = time.Time{}
	}
	t.empty(missing)
}

// expire ends what has been held for too long. done says that nothing is held any more, so that the look-up is over.
func (t *topic) expire(ps *Producers, before time.Time, asked error) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	reason := kerr.Asked(asked).Error()
	if t.row == nil {
		reason = "no broker could be asked whether it exists: " + kerr.Reason(asked)
	}
	t.dropHeld(ps, ps.isAbandoned, clientGone+": "+reason)
	t.giveUpFirst(ps, t.held.older(before), &Error{Outcome: record.Retry, Topic: t.name, Reason: reason})
	if len(t.held.records) > 0 {
		return false
	}
	t.empty(unasked)
	return true
}

// giveUpHeld ends what is held, because the client is being closed.
func (t *topic) giveUpHeld(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUpFirst(ps, len(t.held.records), &Error{Outcome: record.Retry, Topic: t.name, Reason: kerr.ErrStopping.Error()})
	t.empty(unasked)
}
