package consumer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// createdAgain begins the partitions of a topic that was deleted and created again. They begin where auto.offset.reset
// says, because no committed offset is of the new log. Acknowledgements for records of the old log count for nothing
// from now on. An explicit commit replaces what was committed of them. before is when the old log was seen last.
func (s *subscription) createdAgain(topic, was, id string, before time.Time) {
	var again []record.TopicPartition
	var here []librdkafka.Partition
	owed := 0
	for tp, f := range s.partitions {
		switch {
		case tp.Topic != topic:
		case f.earlier.openedAt.After(before) && !f.earlier.counts: // it may have been opened in the new log: inherit decides
		case f.log.wentBackAt.After(before) && f.log.first == 0: // its records have shown that already: see wentBack
			here = append(here, librdkafka.Partition{Topic: topic, ID: tp.Partition, Offset: f.expected()})
		default:
			owed += s.owed(f)
			again = append(again, tp)
		}
	}
	s.log.Warn("topic was created again", "topic", topic, "old_id", was, "id", id, "partitions", len(again), "taken_back", owed)
	if len(here) > 0 {
		// librdkafka keeps the old log's leader epoch with the offset. Without this seek it would take the new log for a
		// truncated one.
		s.consumer.logError("partitions not sought", s.consumer.Seek(here))
	}
	s.resetTo(again, was)
}

// beginRetry is the pause before the bounds of a new log are asked for again. The partition may have no leader yet.
const beginRetry = 200 * time.Millisecond

// resetTo takes back what is owed of partitions. It begins them again once the bounds of their new logs are known.
// Settlements of the old log are remembered, in case the partitions leave and come back before that.
func (s *subscription) resetTo(partitions []record.TopicPartition, was string) {
	if len(partitions) == 0 {
		return
	}
	from := map[record.TopicPartition]int64{}
	for _, tp := range partitions {
		f := s.partitions[tp]
		from[tp] = f.expected()
		if at := s.position(f); at >= 0 {
			s.history.settlements[tp] = &settlements{Settlements: ledger.Settlements{Position: at}, committed: f.commit.committed, log: was}
		}
		s.mu.Lock()
		s.restart(f, -1)
		f.log.halted = true
		s.mu.Unlock()
	}
	s.groups.life.Go(func() {
		for {
			begins, ends, err := s.groups.cluster.LogBounds(s.groups.life.Context, partitions)
			if err == nil && len(begins) == len(partitions) && len(ends) == len(partitions) {
				s.do(func() { s.beginAt(from, begins, ends) })
				return
			}
			select {
			case <-time.After(beginRetry):
			case <-s.gone:
				return
			case <-s.groups.life.Context.Done():
				return
			}
		}
	})
}

// beginAt seeks the offsets where partitions begin again, and commits them.
func (s *subscription) beginAt(from, begins, ends map[record.TopicPartition]int64) {
	var offsets []record.PartitionOffset
	for tp, was := range from {
		f := s.partitions[tp]
		if f == nil || !f.log.halted {
			continue // it is not assigned any more, or somebody has sought it
		}
		low, high := begins[tp], ends[tp]
		switch {
		case s.strict():
			s.halt(f, fmt.Sprintf("the topic of %s was created again: offset %d is of the old log, the new one holds %d-%d, and auto.offset.reset is error: set the group's offset, or choose earliest or latest",
				tp, max(0, was), low, high))
			continue
		case resets[s.reset] == librdkafka.OffsetEnd:
			if high > low {
				s.skip(f, low, high, low)
			}
			low = high
		}
		delete(s.history.settlements, tp)
		s.log.Warn("partition begins anew", "partition", tp.String(), "from", was, "to", low, "log_ends", high, "auto_offset_reset", s.reset)
		offsets = append(offsets, record.PartitionOffset{TopicPartition: tp, Offset: low})
	}
	if len(offsets) == 0 {
		return
	}
	s.goTo(offsets, true)
}

// goTo makes partitions go on at these offsets, and commits them. again says that the topic was created again.
func (s *subscription) goTo(offsets []record.PartitionOffset, again bool) {
	s.trySeek(&seek{ctx: s.groups.life.Context, offsets: offsets, left: offsets, commit: true, again: again, done: make(chan error, 1)})
}

// stuckAfter is how long the records of a new log may take before the consumer is replaced.
const stuckAfter = 2 * time.Second

// replaceStuck replaces a consumer that does not find the records of a new log.
func (s *subscription) replaceStuck(ctx context.Context, now time.Time) {
	for tp, f := range s.partitions {
		if f.log.behind && !s.lacks(f) && now.Sub(f.log.sought.at) > stuckAfter {
			s.replaceConsumer(ctx, "the topic of "+tp.String()+" was created again, and its records do not come")
			return
		}
	}
}

// identifyGap bounds the time between two beats of watchTopics.
const identifyGap = cluster.QuestionTime + 5*time.Second

// watchTopics asks for the ids of all topics of which partitions are assigned here. It asks at every commit interval,
// until ctx ends.
func (g *Groups) watchTopics(ctx context.Context) {
	beat, end := g.config().Watch("topics", identifyGap)
	defer end()
	for ctx.Err() == nil {
		beat()
		g.identify(ctx)
		select {
		case <-time.After(min(logCheckGap, g.config().Consume.CommitInterval)):
		case <-g.opened: // a partition was opened: what is known of its topic may be old
		case <-ctx.Done():
		}
	}
}

// identify asks for topic ids, and tells the subscriptions.
func (g *Groups) identify(ctx context.Context) {
	subscriptions := g.open()
	here := map[string]bool{}
	for _, s := range subscriptions {
		s.topicsHere(here)
	}
	if len(here) == 0 {
		return
	}
	names := make([]string, 0, len(here))
	for name := range here {
		names = append(names, name)
	}
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, cluster.QuestionTime)
	defer cancel()
	var ids map[string]string
	err := g.cluster.Ask(func(a *cluster.Admin) (err error) {
		ids, err = a.TopicIDs(bounded, names)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		asked = time.Now() // there was no answer, and nobody has to wait for one
	}
	for _, s := range subscriptions {
		s.do(func() { s.identified(ids, asked) })
	}
}

// topicsHere adds to here the topics of which this subscription has partitions.
func (s *subscription) topicsHere(here map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.dispatch.Partitions() {
		here[l.Topic] = true
	}
}

// topicLog is what is known of a topic's log.
type topicLog struct {
	id   string   // the topic's id; empty: not known
	gone []string // earlier ids: a broker that lags behind may still tell them
	asOf time.Time
}

// goneIDs bounds how many earlier ids of a topic are remembered.
const goneIDs = 8

// identified takes the answer with topic ids to a question of this time.
func (s *subscription) identified(ids map[string]string, asked time.Time) {
	topics := map[string]bool{}
	for tp := range s.partitions {
		topics[tp.Topic] = true
	}
	for topic := range topics {
		if id := ids[topic]; id != "" {
			s.identifiedAs(topic, id, asked)
		}
	}
	s.history.forget(topics, asked)
	for _, f := range s.partitions {
		if asked.After(f.earlier.openedAt) { // what was committed may come later
			f.earlier.logKnown = true
			s.inherit(f)
		}
	}
}

func (s *subscription) identifiedAs(topic, id string, asked time.Time) {
	l := s.history.logs[topic]
	switch {
	case l == nil:
		s.history.logs[topic] = &topicLog{id: id, asOf: asked}
	case l.id == id:
		l.asOf = asked
	case l.knew(id):
	default:
		was := l.id
		l.gone = append(l.gone, l.id)
		l.gone = l.gone[max(0, len(l.gone)-goneIDs):]
		before := l.asOf
		l.id, l.asOf = id, asked
		s.createdAgain(topic, was, id, before)
	}
}

func (l *topicLog) knew(id string) bool {
	for _, gone := range l.gone {
		if gone == id {
			return true
		}
	}
	return false
}

// replaceTime bounds the replacement of a consumer, within one round of the run goroutine.
const replaceTime = 2 * time.Second

// replaceConsumer goes on with a new consumer. What members owe is taken back. Settlements count when their partitions
// come back: see settlements.
//
// Topics that were created again need this. librdkafka remembers the highest leader epoch of each partition, and ignores
// metadata with a lower one. The epochs of a new log begin at 0, so the old consumer would never find its leaders.
func (s *subscription) replaceConsumer(ctx context.Context, why string) {
	s.log.Warn("consumer replaced", "why", why)
	ctx, cancel := context.WithTimeout(ctx, replaceTime)
	defer cancel()
	partitions := slices.Collect(maps.Keys(s.partitions))
	s.serveRevocation(time.Now(), true)
	s.commitNow(time.Now())
	err := s.consumer.Reopen(ctx, s.properties, s.leaving, s.closeQueues)
	s.commits.endAll(fmt.Errorf("%w: the consumer was replaced", kerr.ErrNoAnswer))
	switch {
	case err != nil:
	case s.manual:
		s.assignManually(partitions)
	default:
		err = s.consumer.Subscribe(s.topicSet.Topics())
	}
	if err != nil {
		s.tell(fmt.Errorf("the consumer could not be replaced: %w", err), true)
	}
}
