package producer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
)

// lookupHistory is what the look-up loop remembers of earlier questions for a topic.
type lookupHistory struct {
	absentSince time.Time // when the brokers first did not know the topic; zero: not asked since
	opened      time.Time // when the topic was last opened
	unlearned   int       // how often in a row a producer did not know what the brokers know
}

// unlearnedBy is how often in a row, as of now, a producer did not know what the brokers know.
func (h *lookupHistory) unlearnedBy(now time.Time) int {
	if now.Sub(h.opened) > lookAgainFor {
		h.unlearned = 0
	}
	return h.unlearned
}

// open remembers that the topic is opened.
func (h *lookupHistory) open(now time.Time) {
	if now.Sub(h.opened) < lookAgainFor {
		h.unlearned++
	}
	h.opened = now
}

// overdue tells whether the brokers have not known the topic for appearanceTime. The first call begins that time.
func (h *lookupHistory) overdue(now time.Time) bool {
	if h.absentSince.IsZero() {
		h.absentSince = now
	}
	return now.Sub(h.absentSince) >= appearanceTime
}

// appearanceTime bounds the wait for a topic that may still appear. Brokers may be creating the topic, or only some
// brokers may know the topic yet.
const appearanceTime = 300 * time.Millisecond

// mayWaitAgain tells whether a record that came back may wait for the brokers again. Without this bound, a record
// could go round for ever: the brokers know its topic, and the producer does not.
func (t *topic) mayWaitAgain(now time.Time) bool {
	unlearned := t.lookup.unlearnedBy(now)
	if unlearned > 0 {
		t.gate.lookups.mu.Lock()
		t.due = now.Add(lookAgainAfter)
		t.gate.lookups.mu.Unlock()
	}
	return unlearned <= int(lookAgainFor/lookAgainAfter)
}

// lookAgainFor is how long a producer may take to learn what the brokers know.
const lookAgainFor = 5 * time.Second

// Learn takes note of a topic that the brokers have: the caller has just asked them. So the topic's first record does not wait for
// a look-up, which fails while the client is being closed. Learn holds a thread for a second at most.
func (ps *Producers) Learn(name string) {
	t, err := ps.topics.find([]byte(name))
	if err != nil || !t.learn(ps) { // why it cannot be is told to its first record
		return
	}
	ps.delivered.handle.Load().RequestTopics([]string{name}, cluster.TurnTime)
}

// learn makes a topic known that nobody asks for. It returns whether that is new.
func (t *topic) learn(ps *Producers) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := knowledge(t.state.Load()); now != unasked && now != missing {
		return false
	}
	if t.row == nil {
		t.topicCounters = ps.counters.admit(t.name, ps.config().MaxTopicRows)
	}
	t.state.Store(int32(known))
	return true
}
