package consumer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// failing is what a subscription knows of failed records. The subscription's mu guards it.
type failing struct {
	settings *config.Config // that the policies are of
	topics   map[string]*topicRules
	bounded  map[string]*topicRules          // those that bound what is lent
	letters  map[letterKey]*letter           // of records that are given up
	writing  int                             // letters under way
	stops    map[record.TopicPartition]*stop // partitions that do not go on: see warnOfStops
}

// topicRules are the policy of a topic, and what holds to it.
type topicRules struct {
	failures.Policy
	gate    *ledger.Gate // shared by the topic's partitions; nil: all may be lent
	meter   failures.Meter
	circuit failures.Circuit
	crasher record.PartitionOffset // the record that most clients have died of
}

// bounded tells whether the policy bounds what is lent.
func (r *topicRules) bounded() bool {
	return r.Rate.Limit > 0 || r.MaxConcurrency > 0 || r.Breaker.Failures > 0
}

// rulesOf are the rules of a topic, as the settings are now. The subscription's mu is held.
func (s *subscription) rulesOf(topic string) *topicRules {
	if now := s.groups.config(); s.failing.settings != now {
		s.failing.settings = now
		for name, r := range s.failing.topics {
			s.setPolicy(r, name)
		}
	}
	r := s.failing.topics[topic]
	if r == nil {
		r = &topicRules{}
		s.setPolicy(r, topic)
		s.failing.topics[topic] = r
	}
	return r
}

// setPolicy applies the policy of a topic to its partitions. The subscription's mu is held.
func (s *subscription) setPolicy(r *topicRules, topic string) {
	r.Policy = s.failing.settings.Failures.Find(s.group, topic)
	r.meter.Rate, r.circuit.Breaker, r.gate = r.Rate, r.Breaker, nil
	delete(s.failing.bounded, topic)
	if r.bounded() {
		r.gate = &ledger.Gate{}
		s.failing.bounded[topic] = r
	}
	for p := range s.dispatch.Partitions() {
		if p.Topic == topic {
			s.applyRules(p, r)
		}
	}
}

func (s *subscription) applyRules(p *ledger.Partition, r *topicRules) {
	p.SetGate(r.gate)
	p.SetBlocks(extents[r.Blocks(s.order())])
}

// openGates sets how many records of each bounded topic may be lent now. It returns when more may be; the zero time: nothing
// is held back. The subscription's mu is held.
func (s *subscription) openGates(now time.Time) (next time.Time) {
	for topic, r := range s.failing.bounded {
		room := r.meter.Room(now)
		if r.MaxConcurrency > 0 {
			room = min(room, r.MaxConcurrency-s.leasedOf(topic))
		}
		if r.circuit.Open() {
			room = min(room, one(r.circuit.Allow(now)))
		}
		r.gate.Room = max(0, room)
		for _, at := range [...]time.Time{r.meter.Next(now), r.circuit.Next(now)} {
			if at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// leasedOf is how many records of a topic members hold. The subscription's mu is held.
func (s *subscription) leasedOf(topic string) (n int) {
	for p := range s.dispatch.Partitions() {
		if p.Topic == topic {
			n += p.Ledger().Leased()
		}
	}
	return n
}

// noteLent counts what was lent of bounded topics. The subscription's mu is held.
func (s *subscription) noteLent(lent []ledger.Delivery, now time.Time) {
	for i := range lent {
		d := &lent[i]
		if r := s.failing.bounded[d.Topic]; r != nil {
			r.meter.Take(now, 1)
			r.circuit.Lent(placeOf(d.TopicPartition, d.Offset), now)
		}
	}
}

// noteAccepted closes the circuit of a topic of which n records were accepted, and returns n. The subscription's mu is held.
func (s *subscription) noteAccepted(topic string, n int) int {
	if r := s.failing.bounded[topic]; n > 0 && r != nil {
		r.circuit.Accepted()
	}
	return n
}

func placeOf(tp record.TopicPartition, offset int64) record.PartitionOffset {
	return record.PartitionOffset{TopicPartition: tp, Offset: offset}
}

// ByPolicy is the delay of a failed record that its policy decides.
const ByPolicy time.Duration = -1

// Fail says that the member could not process a record. It is lent again after delay, or ByPolicy; or it is given up, if it was
// tried often enough. Fail returns false when the member does not hold the record.
func (m *Member) Fail(tp record.TopicPartition, offset int64, f failures.Failure, delay time.Duration) bool {
	now := time.Now()
	return m.settle(tp, &m.sub.groups.consumed.released, func(l *ledger.Ledger) int {
		return one(m.fail(l, placeOf(tp, offset), f, delay, now))
	}) > 0
}

func (m *Member) fail(l *ledger.Ledger, id record.PartitionOffset, f failures.Failure, delay time.Duration, now time.Time) bool {
	s := m.sub
	r, held := l.Held(m.inDispatch, id.Offset)
	if !held {
		return false
	}
	rules := s.rulesOf(id.Topic)
	policy := m.policy(rules)
	extent := m.extent(&policy)
	counted := rules.circuit.Failed(id, now)
	s.failed.count(f.Reason)
	s.commitSoon()
	if counted && policy.Exhausted(r.Failures+1) {
		l.GiveUp(m.inDispatch, id.Offset, now, extent, false)
		if f.Reason != failures.LeaseExpired {
			f.Reason = failures.RetriesExhausted
		}
		s.giveUp(l, id, f, m.id.Name, nil)
		return true
	}
	switch {
	case !counted:
		// Another record has its turn in between, if there is one.
		delay = max(delay, policy.Breaker.Probe+policy.Breaker.Probe/8)
	case delay < 0:
		delay = policy.Delay(r.Failures+1, rand.Float64()) //nolint:gosec // jitter is no secret
	}
	l.Retry(m.inDispatch, id.Offset, now, now.Add(delay), extent, counted)
	s.hurry(now.Add(delay))
	return true
}

// policy is the topic's, with what the member has set itself.
func (m *Member) policy(r *topicRules) failures.Policy { return m.overrides.Apply(r.Policy) }

// extent is what waits for a failed record of the member.
func (m *Member) extent(p *failures.Policy) ledger.Extent {
	if p.OnError == "" && m.blocks != "" {
		return extents[m.blocks]
	}
	return extents[p.Blocks(m.sub.order())]
}

// Return gives one record back that the member could not use. It comes next in its partition, and no attempt has failed.
// Return is false when the member does not hold the record.
func (m *Member) Return(tp record.TopicPartition, offset int64) bool {
	return m.settle(tp, &m.sub.groups.consumed.released, func(l *ledger.Ledger) int { return one(l.Release(m.inDispatch, offset)) }) > 0
}

// Reject gives a record up for good. done is called once, from any goroutine, when its dead letter is written: until then the
// record is not settled. held is false, and done is not called, when the member does not hold the record. ErrNoDeadLetters
// says that the record cannot be given up; then it stays with the member.
func (m *Member) Reject(tp record.TopicPartition, offset int64, f failures.Failure, done func(error)) (held bool, err error) {
	now := time.Now()
	f.Reason = failures.Rejected
	n := m.settle(tp, &m.sub.groups.consumed.rejected, func(l *ledger.Ledger) int {
		if _, held = l.Held(m.inDispatch, offset); !held {
			return 0
		}
		policy := m.policy(m.sub.rulesOf(tp.Topic))
		if !policy.DeadLetter.Set() {
			err = kerr.ErrNoDeadLetters
			return 0
		}
		l.GiveUp(m.inDispatch, offset, now, m.extent(&policy), true)
		m.sub.failed.count(f.Reason)
		m.sub.giveUp(l, placeOf(tp, offset), f, m.id.Name, done)
		return 1
	})
	return n > 0, err
}

// Died says that a client ended while it held these records of the member. They go to others.
func (m *Member) Died(held []record.PartitionOffset) {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.dispatch.Lost(m.inDispatch, held, now)
	s.serveDeaths(now)
	s.dispatch.Wake(now)
	s.groups.consumed.released.Add(int64(n))
	s.wake()
}

// serveDeaths gives up the records of which too many clients have died. Those that cannot be given up wait for long. The
// subscription's mu is held.
func (s *subscription) serveDeaths(now time.Time) {
	for _, death := range s.dispatch.Deaths() {
		l, id := death.Ledger(), placeOf(death.TopicPartition, death.Offset)
		r, failed := l.Failed(id.Offset)
		rules := s.rulesOf(id.Topic)
		s.failed.failures[clientEnded].Add(1)
		if failed && r.Deaths > s.deathsOf(rules) {
			rules.crasher = id
		}
		s.commitSoon()
		if !failed || r.Deaths < rules.MaxDeliveries {
			continue
		}
		f := failures.Failure{Reason: failures.CrashLoop, Class: "CrashLoop", Message: fmt.Sprintf("%d clients ended while they held it", r.Deaths)}
		if rules.DeadLetter.Set() && l.GiveUpFree(id.Offset) {
			s.giveUp(l, id, f, "", nil)
			continue
		}
		if l.Postpone(id.Offset, now, now.Add(rules.MaxBackoff), extents[rules.Blocks(s.order())]) {
			s.hurry(now.Add(rules.MaxBackoff))
			s.log.Warn("record held back: its clients end while they hold it, and it has no dead-letter topic", "record", idOf(id),
				"deaths", r.Deaths, "for", rules.MaxBackoff.String())
		}
	}
}

// deathsOf is how many clients have died of the record that most have died of in a topic, while it is not settled. The subscription's mu is held.
func (s *subscription) deathsOf(r *topicRules) int {
	if l := s.dispatch.Ledger(r.crasher.TopicPartition); l != nil {
		f, _ := l.Failed(r.crasher.Offset)
		return f.Deaths
	}
	return 0
}

// serveRecalled gives up records that an earlier assignment had tried often enough. The subscription's mu is held.
func (s *subscription) serveRecalled(p *ledger.Partition) {
	l := p.Ledger()
	for _, offset := range l.TakeRecalled() {
		r, failed := l.Failed(offset)
		rules := s.rulesOf(p.Topic)
		f := failures.Failure{Reason: failures.RetriesExhausted}
		switch {
		case !failed:
			continue
		case rules.Exhausted(r.Failures):
		case r.Deaths >= rules.MaxDeliveries && rules.DeadLetter.Set():
			f.Reason = failures.CrashLoop
		default:
			continue
		}
		if l.GiveUpFree(offset) {
			s.giveUp(l, placeOf(p.TopicPartition, offset), f, "", nil)
		}
	}
}

// serveExpired gives up records that are too old. The subscription's mu is held.
func (s *subscription) serveExpired(now time.Time) {
	for p := range s.dispatch.Partitions() {
		rules := s.rulesOf(p.Topic)
		if rules.ExpireAfter == 0 {
			p.Ledger().SetOldest(math.MinInt64)
			continue
		}
		p.Ledger().SetOldest(now.Add(-rules.ExpireAfter).UnixMilli())
		for _, offset := range p.Ledger().TakeExpired() {
			f := failures.Failure{Reason: failures.Expired, Class: "Expired", Message: "older than " + rules.ExpireAfter.String()}
			s.giveUp(p.Ledger(), placeOf(p.TopicPartition, offset), f, "", nil)
		}
	}
}

// hurry has the next round come when a record's time comes. The subscription's mu is held.
func (s *subscription) hurry(due time.Time) {
	if time.Until(due) < tick {
		s.wake()
	}
}

// untilDue is how long the run goroutine may wait: until the next record's time comes, and a tick at most.
func (s *subscription) untilDue(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := tick
	opens := s.openGates(now)
	s.dispatch.Wake(now) // for what has opened since the last round
	for _, at := range [...]time.Time{s.dispatch.NextDue(now), opens} {
		if !at.IsZero() {
			wait = min(wait, max(0, at.Sub(now)))
		}
	}
	return wait
}

// serveFailed does what there is to do for failed records.
func (s *subscription) serveFailed(now time.Time) {
	s.mu.Lock()
	s.serveExpired(now)
	s.serveDeaths(now)
	s.mu.Unlock()
	s.serveLetters(now)
}

// idOf names a record in the log: topic:partition:offset.
func idOf(id record.PartitionOffset) string {
	return fmt.Sprintf("%s:%d", id.TopicPartition, id.Offset)
}
