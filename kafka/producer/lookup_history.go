package producer

import "time"

// lookupHistory is what the inquiry remembers of its questions for a topic.
type lookupHistory struct {
	absentSince time.Time // when the brokers first did not know the topic; zero when they were not asked since
	opened      time.Time // when the topic was last opened
	unlearned   int       // how often in a row a producer did not know what the brokers know
}

// unlearnedAt is how often in a row a producer did not know what the brokers know.
func (h *lookupHistory) unlearnedBy(now time.Time) int {
	if now.Sub(h.opened) > lookAgainFor {
		h.unlearned = 0
	}
	return h.unlearned
}

// open notes that the topic is opened.
func (h *lookupHistory) open(now time.Time) {
	if now.Sub(h.opened) < lookAgainFor {
		h.unlearned++
	}
	h.opened = now
}

// overdue tells whether a topic that may be on its way has had its time, which begins with the first call.
func (h *lookupHistory) overdue(now time.Time) bool {
	if h.absentSince.IsZero() {
		h.absentSince = now
	}
	return now.Sub(h.absentSince) >= appearanceTime
}

// appearance bounds the wait for a topic that may be on its way: the brokers were asked to create it,
// or one knows already what the one that was asked does not.
const appearanceTime = 300 * time.Millisecond

// mayWaitAgain tells whether a record that came back may wait for the brokers again. One that they know and a producer
// does not would else go round for ever.
func (t *topic) mayWaitAgain(now time.Time) bool {
	unlearned := t.lookup.unlearnedBy(now)
	if unlearned > 0 {
		t.gate.lookups.mu.Lock()
		t.due = now.Add(lookAgainAfter)
		t.gate.lookups.mu.Unlock()
	}
	return unlearned <= int(lookAgainFor/lookAgainAfter)
}

// lookAgainFor is as long as a producer may take to learn what a broker knows.
const lookAgainFor = 5 * time.Second
