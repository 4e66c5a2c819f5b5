package consumer

import (
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// history is what this process remembers of topics and partitions that were assigned to it once.
type history struct {
	logs        map[string]*topicLog                   // by topic
	settlements map[record.TopicPartition]*settlements // of partitions that are not assigned now
}

func newHistory() history {
	return history{logs: map[string]*topicLog{}, settlements: map[record.TopicPartition]*settlements{}}
}

// take removes the settlements of a partition, and returns them; nil when there are none.
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

// logKept is how long the id of a topic is remembered after the last partition of it was assigned here.
const logKept = 10 * time.Minute

// forget drops topics that are not in here, after logKept.
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

// settlements are what members had settled of a partition when this process lost it, or gave it back. Kafka may not have
// them, because the coordinator was away. They count again when the partition comes back, unless somebody else has
// committed meanwhile.
type settlements struct {
	ledger.Settlements
	committed int64  // what the brokers had, as far as this process knew
	log       string // id of the topic, empty when it was not known
}

// earlierAssignment is what remains of earlier assignments of the partition: to this process, and to any.
type earlierAssignment struct {
	openedAt    time.Time
	settlements *settlements    // of the last assignment to this process
	kept        *commitmeta.Map // what was committed with the committed offset
	logKnown    bool            // the brokers were asked for the topic's id since the partition was opened
	counts      bool            // the settlements count
}

// undecided tells whether it is still to be decided what of it counts: see inherit. The partition is not fetched before.
func (e *earlierAssignment) undecided() bool { return e.settlements != nil || e.kept != nil }

// holds tells whether the committed offset is one that this process has committed, or was about to commit.
func (p *settlements) holds(committed int64) bool {
	return p.committed <= committed && committed <= p.Position
}

// keepSettlements remembers what is settled of a partition that goes away. The subscription's mu is held until nothing
// of the partition can be settled. A later settlement would be answered, and then lost.
func (s *subscription) keepSettlements(tp record.TopicPartition, f *partition) {
	switch {
	case f.earlier.settlements != nil: // it was not decided yet whether these count
		s.history.settlements[tp] = f.earlier.settlements
		return
	case f.commit.rewound:
		return
	}
	p := settlements{Settlements: f.inDispatch.Ledger().Settlements(), committed: f.commit.committed, log: s.history.logID(tp.Topic)}
	p.Position = max(p.Position, f.commit.committed) // nothing can be settled here below the committed offset
	if p.Position >= 0 || len(p.Above)+len(p.Failing) > 0 {
		s.history.settlements[tp] = &p
	}
}

// takeSettlements takes what was settled of a partition that has come back. Nothing of the partition is lent before
// inherit has decided whether that counts.
func (s *subscription) takeSettlements(tp record.TopicPartition, f *partition) {
	f.earlier.openedAt = time.Now()
	f.earlier.settlements = s.history.take(tp)
}

// keep keeps the metadata of a partition's committed offset, if it is ours, until inherit has decided whether that counts.
func (s *subscription) keep(f *partition, committed int64, metadata string) {
	m, ours := commitmeta.Decode(committed, metadata)
	f.commit.mapped = ours
	if !ours || f.commit.anew || committed != f.commit.committed {
		return
	}
	m.Rebase(time.Now())
	f.earlier.kept = &m
}

// inherit decides which settlements count: those that this process remembers, and those that were committed with the
// committed offset. It waits until the committed offset is known, and the topic's id where it matters.
func (s *subscription) inherit(f *partition) {
	e := &f.earlier
	matters := e.settlements != nil || e.kept != nil && e.kept.Log != ""
	if !e.undecided() || !f.commit.known || matters && !e.logKnown {
		return
	}
	p, kept := e.settlements, e.kept
	e.settlements, e.kept = nil, nil
	tp := f.inDispatch.TopicPartition
	id := s.history.logID(tp.Topic)
	if kept != nil && isAnother(kept.Log, id) {
		s.log.Warn("acknowledgements of another topic of this name are not taken over", "partition", tp.String(), "topic_id", id, "theirs", kept.Log)
		kept = nil
	}
	switch {
	case p == nil:
	case !p.holds(f.commit.committed): // somebody else has committed
		p = nil
	case isAnother(p.log, id) && f.commit.committed >= 0: // the committed offset is of the old log
		s.log.Warn("topic was created again", "topic", tp.Topic, "old_id", p.log, "id", id, "partition", tp.Partition)
		s.history.settlements[tp] = p
		s.resetTo([]record.TopicPartition{tp}, p.log)
		return
	case isAnother(p.log, id):
		p = nil
	}
	s.takeOver(f, p, kept)
}

// isAnother tells that two ids of a topic are known, and differ.
func isAnother(a, b string) bool { return a != "" && b != "" && a != b }

// takeOver lets settlements count: those that this process remembers, and those that were committed. Either may be nil.
func (s *subscription) takeOver(f *partition, p *settlements, kept *commitmeta.Map) {
	all := ledger.Settlements{Position: f.commit.committed}
	switch {
	case p == nil && kept == nil:
		return
	case p != nil:
		all = p.Settlements
	}
	if kept != nil {
		all.Above = commitmeta.Merge(all.Above, kept.Above)
		all.Failing = commitmeta.MergeFailing(all.Failing, kept.Failing)
	}
	s.logTaken(f, p, &all)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := f.inDispatch.Ledger()
	l.Inherit(all)
	f.earlier.counts = true
	if p == nil {
		f.commit.version = l.Version()
		return
	}
	s.hurries.Store(true)
}

func (s *subscription) logTaken(f *partition, p *settlements, all *ledger.Settlements) {
	log := s.log.With("partition", f.inDispatch.String(), "committed", f.commit.committed, "settled_below", all.Position,
		"settled_ranges_above", len(all.Above), "failing", len(all.Failing))
	if p == nil {
		log.Info("acknowledgements taken over")
		return
	}
	log.Info("partition came back")
}

// committedRetry is the pause before the coordinator is asked again.
const committedRetry = time.Second

// committedQuery asks what the group has committed of partitions that are new here.
type committedQuery struct {
	due       bool // there is a partition whose committed offset is not known
	asking    bool
	failed    bool // the last question was not answered
	notBefore time.Time
}

// begins tells whether to ask now, and notes that.
func (l *committedQuery) begins(now time.Time) bool {
	if !l.due || l.asking || now.Before(l.notBefore) {
		return false
	}
	l.due = false
	return true
}

// again has the brokers asked once more, after committedRetry.
func (l *committedQuery) again() {
	l.due, l.failed, l.notBefore = true, true, time.Now().Add(committedRetry)
}

// askCommitted asks for the committed offsets of partitions that are new here. librdkafka asks for them as well, and
// does not tell us. They are compared with the first records that come.
func (s *subscription) askCommitted(now time.Time) {
	if !s.committedQuery.begins(now) {
		return
	}
	asked, list := map[record.TopicPartition]*partition{}, []librdkafka.Partition(nil)
	for tp, f := range s.partitions {
		if !f.commit.known {
			asked[tp] = f
			list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition})
		}
	}
	turns := s.groups.firstAskers
	if s.committedQuery.failed {
		turns = s.groups.committedAskers
	}
	s.committedQuery.asking = len(list) > 0 && s.groups.life.Go(func() {
		defer inTurn(turns)()
		offsets, err := s.consumer.Committed(list, committedTime)
		s.do(func() { s.takeCommitted(asked, offsets, err) })
	})
}

// firstAskers is how many subscriptions ask for committed offsets at once, because each holds a thread meanwhile. No record
// is lent before the answer. committedAskers is how many do that ask again: a silent coordinator must not delay those of
// other coordinators. committedTime bounds one question.
const (
	firstAskers     = 32
	committedAskers = 2
	committedTime   = time.Second
)

// inTurn waits for one of some slots. leave lets the next one have it.
func inTurn(slots chan struct{}) (leave func()) {
	slots <- struct{}{}
	return func() { <-slots }
}

func (s *subscription) takeCommitted(asked map[record.TopicPartition]*partition, offsets []librdkafka.Partition, err error) {
	s.committedQuery.asking, s.committedQuery.failed = false, false
	var failure *librdkafka.Error
	if errors.As(err, &failure) && failure.Code == librdkafka.NoGroup {
		for tp := range asked {
			offsets = append(offsets, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: -1})
		}
	} else if err != nil {
		s.committedQuery.again()
	}
	for _, p := range offsets {
		f := asked[record.TopicPartition{Topic: p.Topic, Partition: p.ID}]
		switch {
		case f == nil || s.partitions[f.inDispatch.TopicPartition] != f:
		case p.Err != librdkafka.None:
			s.committedQuery.again()
		default:
			s.compareCommitted(f, max(-1, p.Offset))
			s.keep(f, p.Offset, p.Metadata)
			s.inherit(f)
			s.passEnd(f)
		}
	}
}
