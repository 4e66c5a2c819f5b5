package consumer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// createdAgain begins the partitions of a topic anew that was deleted and created again: by their reset policy, as the
// group has committed nothing of the new log that counts. Acknowledgements of the old one count for nothing from now on; what
// of them was committed in the meantime is put right by an explicit commit. before is when the old log was seen last.
func (s *Subscription) createdAgain(topic, was, id string, before time.Time) {
	var again []record.TopicPartition
	var here []librdkafka.Partition
	owed := 0
	for tp, f := range s.partitions {
		switch {
		case tp.Topic != topic:
		case f.earlier.openedAt.After(before) && !f.earlier.counts: // perhaps it was opened in the new log: inherit decides
		case f.log.wentBackAt.After(before) && f.log.first == 0: // its records have told already: see wentBack
			here = append(here, librdkafka.Partition{Topic: topic, ID: tp.Partition, Offset: f.expected()})
		default:
			owed += f.inDispatch.Ledger().Owed()
			again = append(again, tp)
		}
	}
	s.log.Warn("topic was created again", "topic", topic, "old_id", was, "id", id, "partitions", len(again), "taken_back", owed)
	if len(here) > 0 {
		// librdkafka keeps the old log's leader epoch with its offset, and would take the new log for one that was cut.
		s.consumer.logError("partitions not sought", s.consumer.Seek(here))
	}
	s.resetTo(again, was)
}

// beginRetry is the pause before a new log is asked again for what it holds: it may have no leader yet.
const beginRetry = 200 * time.Millisecond

// resetTo takes back what is owed of partitions, and begins them anew when it is known what their logs hold. What was
// settled of the old log is remembered, in case they go away and come back before that.
func (s *Subscription) resetTo(partitions []record.TopicPartition, was string) {
	if len(partitions) == 0 {
		return
	}
	from := map[record.TopicPartition]int64{}
	for _, tp := range partitions {
		f := s.partitions[tp]
		from[tp] = f.expected()
		if at := s.position(f); at >= 0 {
			s.history.settlements[tp] = &settlements{position: at, committed: f.commit.committed, log: was}
		}
		s.consumer.hold([]record.PartitionOffset{{TopicPartition: tp, Offset: 0}}) // librdkafka would commit what was stored of the old log
		s.mu.Lock()
		f.restart(-1)
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

// beginAt seeks where partitions begin anew, and commits these offsets.
func (s *Subscription) beginAt(from, begins, ends map[record.TopicPartition]int64) {
	var offsets []record.PartitionOffset
	for tp, was := range from {
		f := s.partitions[tp]
		if f == nil || !f.log.halted {
			continue // it is gone, or somebody has sought it
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

// goTo makes partitions go on elsewhere, and commits that; again says that their topic was created again.
func (s *Subscription) goTo(offsets []record.PartitionOffset, again bool) {
	s.trySeek(&seek{ctx: s.groups.life.Context, offsets: offsets, left: offsets, commit: true, again: again, done: make(chan error, 1)})
}

// stuckAfter is how long the records of a new log may take to come before another consumer is tried.
const stuckAfter = 2 * time.Second

// replaceStuck goes on with another consumer when this one does not find the records of a new log.
func (s *Subscription) replaceStuck(ctx context.Context, now time.Time) {
	for tp, f := range s.partitions {
		if f.log.behind && !f.commit.explicit && now.Sub(f.log.anewAt) > stuckAfter {
			s.replaceConsumer(ctx, "the topic of "+tp.String()+" was created again, and its records do not come")
			return
		}
	}
}

// identifyGap bounds one round of identify between two beats.
const identifyGap = cluster.QuestionTime + 5*time.Second

// watchTopics asks, at every commit interval, for the ids of the topics of which partitions are assigned here, for as long as
// the client lives.
func (g *Groups) watchTopics(ctx context.Context) {
	beat, end := g.config().Watch("topics", identifyGap)
	defer end()
	for ctx.Err() == nil {
		beat()
		g.identify(ctx)
		select {
		case <-time.After(min(logCheckGap, g.config().Consume.CommitInterval)):
		case <-g.opened: // a partition: what is known of its topic may be old
		case <-ctx.Done():
		}
	}
}

// identify tells the subscriptions which ids their topics have.
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
		asked = time.Now() // nobody has to wait for an answer any more
	}
	for _, s := range subscriptions {
		s.do(func() { s.identified(ids, asked) })
	}
}

// topicsHere adds the topics of which partitions are assigned here.
func (s *Subscription) topicsHere(here map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.dispatch.Partitions() {
		here[l.Topic] = true
	}
}

// topicLog is what is known of the log behind a topic.
type topicLog struct {
	id   string   // empty: not known
	gone []string // earlier ones: a broker that lags behind may still tell them
	asOf time.Time
}

// goneIDs is how many earlier ids of a topic are remembered.
const goneIDs = 8

// identified takes ids that were asked for at some time.
func (s *Subscription) identified(ids map[string]string, asked time.Time) {
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
		if f.earlier.settlements != nil && asked.After(f.earlier.openedAt) {
			f.earlier.logKnown = true
			s.inherit(f)
		}
	}
}

func (s *Subscription) identifiedAs(topic, id string, asked time.Time) {
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

// replaceTime bounds the change from one consumer to another, within one round of the subscription.
const replaceTime = 2 * time.Second

// replaceConsumer goes on with another consumer. What the present one holds is taken back; what was settled counts when its partitions
// come back: see settlements.
//
// It is for topics that were created again. librdkafka remembers the highest leader epoch of each partition and takes metadata
// with a lower one for old; but those of the new log begin at 0. It would never find the new leaders.
func (s *Subscription) replaceConsumer(ctx context.Context, why string) {
	s.log.Warn("consumer replaced", "why", why)
	ctx, cancel := context.WithTimeout(ctx, replaceTime)
	defer cancel()
	partitions := slices.Collect(maps.Keys(s.partitions))
	s.serveRevocation(time.Now(), true)
	s.store()
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
