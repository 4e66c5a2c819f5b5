package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// history is what was known of topics and partitions of which some were assigned here before.
type history struct {
	logs        map[string]*topicLog                   // by topic
	settlements map[record.TopicPartition]*settlements // of partitions that are not assigned now
}

func newHistory() history {
	return history{logs: map[string]*topicLog{}, settlements: map[record.TopicPartition]*settlements{}}
}

// take takes what was settled of a partition, nil when nothing was.
func (h *history) take(tp record.TopicPartition) *settlements {
	p := h.settlements[tp]
	delete(h.settlements, tp)
	return p
}

// logID is the id of a topic, empty when it is not known.
func (h *history) logID(topic string) string {
	if l := h.logs[topic]; l != nil {
		return l.id
	}
	return ""
}

// logKept is how long the id of a topic is remembered of which nothing is assigned here.
const logKept = 10 * time.Minute

// forget drops what was known of topics that are not assigned here, and have not been for logKept.
func (h *history) forget(here map[string]bool, now time.Time) {
	for topic, l := range h.logs {
		if !here[topic] && now.Sub(l.asOf) > logKept {
			delete(h.logs, topic)
		}
	}
	for tp := range h.settlements {
		if h.logs[tp.Topic] == nil && !here[tp.Topic] {
			delete(h.settlements, tp)
		}
	}
}

// settlements are what this process had settled of a partition when it lost it, or gave it back: Kafka may not have it, as the
// coordinator was away. If the partition comes back and nobody else has been at it meanwhile, that counts still.
type settlements struct {
	position  int64   // all below is settled
	settled   []int64 // of what is above
	committed int64   // what the brokers had, as far as was known
	log       string  // the topic's id, empty when it was not known
}

// earlierAssignment is what a partition's last assignment to this process means for the present one.
type earlierAssignment struct {
	openedAt    time.Time
	settlements *settlements // the partition is not fetched until it is decided whether that counts
	logKnown    bool         // the brokers were asked for the topic's id, since the partition was opened
	counts      bool         // what was settled before counts
}

// holds tells whether what is committed now is what this process has committed, or was about to.
func (p *settlements) holds(committed int64) bool {
	return p.committed <= committed && committed <= p.position
}

// keepSettlements keeps what was settled of a partition that goes away. The subscription's mu is held, and until nothing can be
// settled any more: what is answered as done after this is not kept.
func (s *Subscription) keepSettlements(tp record.TopicPartition, f *partition) {
	switch {
	case f.earlier.settlements != nil: // it had not begun here yet
		s.history.settlements[tp] = f.earlier.settlements
		return
	case f.commit.rewound:
		return
	}
	p := settlements{committed: f.commit.committed, log: s.history.logID(tp.Topic)}
	p.position, p.settled = f.inDispatch.Ledger().Settlements()
	p.position = max(p.position, f.commit.committed) // nothing may be settled here below the first that is not
	if p.position >= 0 || len(p.settled) > 0 {
		s.history.settlements[tp] = &p
	}
}

// takeSettlements finds what was settled of a partition that has come back. Nothing of it is lent before it is decided whether
// that counts: see inherit.
func (s *Subscription) takeSettlements(tp record.TopicPartition, f *partition) {
	f.earlier.openedAt = time.Now()
	f.earlier.settlements = s.history.take(tp)
}

// inherit decides, when it is known what is committed and which log it is.
func (s *Subscription) inherit(f *partition) {
	p := f.earlier.settlements
	if p == nil || !f.commit.known || !f.earlier.logKnown {
		return
	}
	f.earlier.settlements = nil
	tp := f.inDispatch.TopicPartition
	id := s.history.logID(tp.Topic)
	another := id != "" && p.log != "" && id != p.log
	switch {
	case !p.holds(f.commit.committed): // somebody else has been at it
	case another && f.commit.committed >= 0: // that was committed of the old log
		s.log.Warn("topic was created again", "topic", tp.Topic, "old_id", p.log, "id", id, "partition", tp.Partition)
		s.history.settlements[tp] = p
		s.resetTo([]record.TopicPartition{tp}, p.log)
	case another:
	default:
		s.log.Info("partition came back", "partition", tp.String(), "committed", f.commit.committed, "settled_below", p.position, "settled_above", len(p.settled))
		s.mu.Lock()
		defer s.mu.Unlock()
		f.inDispatch.Ledger().Inherit(p.position, p.settled)
		f.earlier.counts = true
		f.commit.explicit, s.storedAt = f.commit.committed < p.position, time.Time{}
	}
}
