package consumer

import (
	"context"
	"fmt"
	"time"

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
		case f.opened.After(before) && !f.inherited: // perhaps it was opened in the new log: inherit decides
		case f.back.After(before) && f.first == 0: // its records have told already: see wentBack
			here = append(here, librdkafka.Partition{Topic: topic, ID: tp.Partition, Offset: f.expected()})
		default:
			owed += f.lane.Ledger().Owed()
			again = append(again, tp)
		}
	}
	s.log.Warn("topic was created again", "topic", topic, "old_id", was, "id", id, "partitions", len(again), "taken_back", owed)
	if len(here) > 0 {
		// librdkafka keeps the old log's leader epoch with its place, and would take the new log for one that was cut.
		s.noteTrouble("partitions not sought", s.consumer.Seek(here))
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
			s.past[tp] = &past{position: at, committed: f.committed, log: was}
		}
		s.hold([]record.PartitionOffset{{TopicPartition: tp, Offset: 0}}) // librdkafka would commit what was stored of the old log
		s.mu.Lock()
		f.restart(-1)
		f.halted = true
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

// beginAt seeks where partitions begin anew, and commits these places.
func (s *Subscription) beginAt(from, begins, ends map[record.TopicPartition]int64) {
	var places []record.PartitionOffset
	for tp, was := range from {
		f := s.partitions[tp]
		if f == nil || !f.halted {
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
		delete(s.past, tp)
		s.log.Warn("partition begins anew", "partition", tp.String(), "from", was, "to", low, "log_ends", high, "auto_offset_reset", s.reset)
		places = append(places, record.PartitionOffset{TopicPartition: tp, Offset: low})
	}
	if len(places) == 0 {
		return
	}
	s.goTo(places, true)
}

// goTo makes partitions go on elsewhere, and commits that; again says that their topic was created again.
func (s *Subscription) goTo(places []record.PartitionOffset, again bool) {
	s.trySeek(&seek{ctx: s.groups.life.Context, places: places, left: places, commit: true, again: again, done: make(chan error, 1)})
}

// stuckAfter is how long the records of a new log may take to come before another consumer is tried.
const stuckAfter = 2 * time.Second

// renewStuck goes on with another consumer when this one does not find the records of a new log.
func (s *Subscription) renewStuck(ctx context.Context, now time.Time) {
	for tp, f := range s.partitions {
		if f.behind && !f.explicit && now.Sub(f.anewAt) > stuckAfter {
			s.renew(ctx, "the topic of "+tp.String()+" was created again, and its records do not come")
			return
		}
	}
}
