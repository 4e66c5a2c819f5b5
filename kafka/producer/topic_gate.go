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

type topic struct {
	topics *topicGate
	name   string
	state  atomic.Int32 // knowledge

	// accounts are where its records are counted: set before it is first known, and never again.
	accounts

	// These belong to the inquiry: when the brokers first did not know it; when it was last opened; and how often in a
	// row a producer did not know all the same what the brokers know.
	absentSince, opened time.Time
	baffled             int

	// brief is of a topic that holds only records whose partition is not known; due is when it may be asked for.
	brief bool
	due   time.Time // guarded by the lookups' mu

	mu    sync.Mutex
	again *topic    // holds such records; nil before the first
	asked time.Time // when it had so many partitions: of a brief one
	count int
	until time.Time // missing: ask again after this
	held  []heldRecord
	bytes int
}

// heldRecord waits for its topic to be looked up.
type heldRecord struct {
	producer   *producer
	key, value []byte
	details    *librdkafka.Details // nil for none
	opaque     uint64
	since      time.Time
	counted    bool // as accepted, and under way: it comes from the accumulator
}

const (
	missingFor  = 3 * time.Second // a topic known to be missing is refused so long
	heldRecords = 1000            // per topic, while it is looked up
	heldBytes   = 4 << 20
	heldInAll   = 64 << 20         // bytes, over all topics
	heldFor     = 28 * time.Second // then they fail as not written
)

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
	entry := &topic{topics: t, name: name}
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
		if entry.again != nil {
			all = append(all, entry.again)
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
func (t *topicGate) doubt(name string) {
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
	size := r.weight()
	if len(t.held) >= heldRecords || t.bytes+size > heldBytes && len(t.held) > 0 || t.topics.bytes.Load() > heldInAll {
		return false, false, kerr.ErrFull
	}
	t.held = append(t.held, r)
	if !r.counted {
		r.producer.held.Add(1)
	}
	t.weigh(size)
	first = knowledge(t.state.Load()) != asking
	t.state.Store(int32(asking))
	return false, first, nil
}

func (r *heldRecord) size() int { return len(r.key) + len(r.value) }

// weight is what a record counts against the bounds on what is held.
func (r *heldRecord) weight() int {
	if r.details == nil {
		return r.size()
	}
	return r.size() + len(r.details.Headers)
}

// weigh keeps count of the bytes that are held.
func (t *topic) weigh(change int) {
	t.bytes += change
	t.topics.bytes.Add(int64(change))
}

// empty forgets what was held, all of which has gone on or ended.
func (t *topic) empty(now knowledge) {
	t.weigh(-t.bytes)
	t.held = nil
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
	var holders []*producer
	for i := range t.held {
		if p := t.held[i].producer; !slices.Contains(holders, p) {
			holders = append(holders, p)
		}
	}
	return holders
}

// open hands on what is held, in order, and lets further records pass.
func (t *topic) open(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row == nil {
		t.accounts = ps.produced.admit(t.name, ps.config().MaxTopicRows)
	}
	for _, p := range ps.all {
		p.accumulator.admit(t, t.held)
	}
	if t.brief {
		t.empty(unasked)
		return
	}
	t.empty(known)
}

// strays is the topic that holds the records whose partition is not known, so that the others need not wait.
func (t *topic) strays() *topic {
	if t.brief {
		return t
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.again == nil {
		t.again = &topic{topics: t.topics, name: t.name, accounts: t.accounts, brief: true}
	}
	return t.again
}

// has tells whether there may be a partition: the brokers were not asked just now, or know it. first is true when they
// are to be asked.
func (t *topic) has(partition int, now time.Time) (may, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.asked) < lookAgainAfter && partition >= t.count {
		return false, false
	}
	first = knowledge(t.state.Load()) != asking
	t.state.Store(int32(asking))
	return true, first
}

// turnAway ends the records for partitions that the topic does not have.
func (t *topic) turnAway(ps *Producers, partitions int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked, t.count = time.Now(), partitions
	var lost lossLog
	kept := t.held[:0]
	for i := range t.held {
		r := t.held[i]
		if partition := partitionOf(r.details); int(partition) >= partitions {
			failure := &Error{
				Outcome: record.Rejected, Topic: t.name, Reason: reasonFor(librdkafka.UnknownPartition, partition), Cause: kerr.ErrNoPartition,
			}
			lost.add(*failure)
			ps.giveUp(t, &r, failure)
			t.weigh(-r.weight())
			continue
		}
		kept = append(kept, r)
	}
	lost.log(ps.log, time.Now())
	t.held = kept
}

// abandon ends the first n records that are held.
func (t *topic) abandon(ps *Producers, n int, failure *Error) {
	var lost lossLog
	for i := range t.held[:n] {
		lost.add(*failure)
		ps.giveUp(t, &t.held[i], failure)
		t.weigh(-t.held[i].weight())
	}
	lost.log(ps.log, time.Now())
	t.held = t.held[n:]
}

// refuse fails what is held, and what comes in the next seconds.
func (t *topic) refuse(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abandon(ps, len(t.held), t.refusal())
	t.until = time.Now().Add(missingFor)
	t.empty(missing)
}

// expire fails what has been held too long; with nothing left the look-up is over and done is true.
func (t *topic) expire(ps *Producers, before time.Time, reason string) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := 0
	for old < len(t.held) && t.held[old].since.Before(before) {
		old++
	}
	t.abandon(ps, old, &Error{Outcome: record.Retry, Topic: t.name, Reason: reason})
	if len(t.held) > 0 {
		return false
	}
	t.empty(unasked)
	return true
}

// strand gives up what is held because the client is being closed.
func (t *topic) strand(ps *Producers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abandon(ps, len(t.held), &Error{Outcome: record.Retry, Topic: t.name, Reason: kerr.ErrStopping.Error()})
	t.empty(unasked)
}
