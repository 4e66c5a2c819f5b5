package consumer

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/budget"
	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// subscriptionMemory is a subscription's part in the budget for memory.
type subscriptionMemory struct {
	inBudget  *budget.Subscription
	threshold fetchThreshold
	lookedAt  time.Time // when the partitions were observed last
	tickedAt  time.Time
	endsAsked bool // the brokers were asked where the partitions end, or need not be asked
	refused   bool // an answer had no room at the last observation: see refuses
}

// partitionMemory is a partition's part in the budget for memory.
type partitionMemory struct {
	inBudget    *budget.Partition
	seen        budget.Observation
	recordBytes int64   // average size of the partition's records in bytes, 0 before the first record
	backlog     backlog // what the group has not read of the partition
	resumeAt    int64   // offset of the next record that librdkafka is to give, -1 while librdkafka goes on by itself
}

// backlog begins at the group's committed offset. It ends where the partition ended when the brokers were asked.
type backlog struct {
	from, end int64
	known     bool
}

// A subscription observes its partitions every lookInterval at most; every tightInterval while memory is short.
const lookInterval, tightInterval = 20 * time.Millisecond, 2 * time.Millisecond

// fetchThreshold says when librdkafka fetches more of a partition: while it holds fewer records and bytes.
type fetchThreshold struct{ records, bytes int64 }

// thresholdOf reads a fetchThreshold from librdkafka's properties.
func thresholdOf(p config.Properties) fetchThreshold {
	records, _ := strconv.ParseInt(p["queued.min.messages"], 10, 64) // librdkafka has checked them
	kibis, _ := strconv.ParseInt(p["queued.max.messages.kbytes"], 10, 64)
	return fetchThreshold{records: records, bytes: kibis << 10}
}

// balanceMemory observes what librdkafka holds of each partition. Then it pauses and resumes partitions as the budget
// says.
func (s *subscription) balanceMemory(now time.Time) {
	interval := lookInterval
	if s.groups.memory.tight.Load() {
		interval = tightInterval
	}
	if now.Sub(s.memory.lookedAt) < interval {
		return
	}
	s.memory.lookedAt = now
	due := now.Sub(s.memory.tickedAt) >= tick
	if due {
		s.memory.tickedAt = now
	}
	if !s.memory.endsAsked && s.groups.memory.tight.Load() {
		s.askEnds()
	}
	s.observeAll(due)
	s.applyBudget()
}

func (s *subscription) observeAll(due bool) {
	s.mu.Lock()
	waiting := s.dispatch.Waiting()
	s.mu.Unlock()
	s.consumer.LimitHeap(s.groups.memory.bound())
	refused := s.refuses()
	tight, took := s.groups.memory.tight.Load(), false
	for tp, f := range s.partitions {
		took = took || f.memory.seen.Taken
		s.observe(tp, f, tight)
	}
	s.groups.memory.change(s.memory.inBudget, func(b *budget.Budget) {
		for _, f := range s.partitions {
			b.Observe(f.memory.inBudget, f.memory.seen)
			f.memory.seen.Taken = false
		}
		if due {
			b.Tick(s.memory.inBudget)
		}
		if refused {
			b.Refuse(s.memory.inBudget)
		}
		b.Decide(s.memory.inBudget, waiting, took)
	})
}

// refuses tells whether an answer of a broker waits for room. By the next observation its partitions are paused. Then
// the answer is admitted, so that librdkafka drops it.
func (s *subscription) refuses() bool {
	waits := s.consumer.HoldsResponses()
	if waits && s.memory.refused {
		s.consumer.AdmitResponses()
		waits = false
	}
	s.memory.refused = waits
	return waits
}

// Up to so many messages that nobody takes may be no records. librdkafka leaves a message in the queue for each pause,
// resume and seek, until the next fetch.
const barriers, barrierBytes = 8, 64 << 10

// observe notes what librdkafka holds of a partition. Whether the partition is at its end matters only while memory is
// short.
func (s *subscription) observe(tp record.TopicPartition, f *partition, tight bool) {
	seen := budget.Observation{Taken: f.memory.seen.Taken, AverageBytes: f.memory.recordBytes}
	if f.queue != nil {
		seen.Records = f.queue.Len()
	}
	if grown := seen.Records - f.memory.seen.Records; grown > 0 && grown <= barriers {
		seen.Records = min(seen.Records, s.unread(tp, f))
	}
	if !seen.Taken && seen.Records <= barriers && int64(seen.Records)*f.memory.recordBytes < barrierBytes {
		seen.Records = 0
	}
	held := int64(seen.Records)
	seen.Hungry = held < s.memory.threshold.records && held*f.memory.recordBytes < s.memory.threshold.bytes
	if tight && seen.Records == 0 {
		left, known := s.ahead(tp, f)
		seen.Idle, seen.Behind = known && left <= 1, known && left > 1 // the last offset may be a transaction's marker
	}
	f.memory.seen = seen
}

// unread is how many records of a partition librdkafka holds at most: those up to the end that it saw last. That it came to
// the end is an event in the queue. As a record, the event would be a fetch that costs nothing, and every partition whose
// fetches cost nothing is open.
func (s *subscription) unread(tp record.TopicPartition, f *partition) int {
	_, end := s.consumer.Watermarks(tp.Topic, tp.Partition)
	if f.memory.resumeAt < 0 || end < 0 {
		return math.MaxInt
	}
	return max(0, int(end-f.memory.resumeAt))
}

// ahead is how many offsets are still to be fetched, if that is known.
func (s *subscription) ahead(tp record.TopicPartition, f *partition) (left int64, known bool) {
	from, end := f.memory.resumeAt, f.memory.backlog.end
	if from < 0 && f.memory.backlog.known {
		from = f.memory.backlog.from
	}
	_, fetched := s.consumer.Watermarks(tp.Topic, tp.Partition)
	answered := fetched >= 0
	if answered {
		end = fetched
	}
	return end - from, from >= 0 && (answered || f.memory.backlog.known)
}

// askEnds asks the brokers where the partitions end. A partition that is at its end for the group need not wait for its
// turn. A partition without an answer counts as behind. The committed offsets must be known before.
func (s *subscription) askEnds() {
	if s.committedQuery.due || s.committedQuery.asking {
		return
	}
	s.memory.endsAsked = true
	asked := slices.Collect(maps.Keys(s.partitions))
	s.groups.life.Go(func() {
		defer inTurn(s.groups.committedAskers)()
		var ends map[record.TopicPartition]int64
		err := s.groups.cluster.Query(s.groups.life.Context, func(ctx context.Context, a *cluster.Admin) (err error) {
			ends, _, err = a.ListOffsets(ctx, cluster.ForAll(asked, binding.LatestOffsetSpec))
			return err
		})
		if err == nil {
			s.do(func() { s.noteEnds(ends) })
		}
	})
}

// noteEnds takes the answer to askEnds.
func (s *subscription) noteEnds(ends map[record.TopicPartition]int64) {
	for tp, end := range ends {
		f := s.partitions[tp]
		if f == nil || !f.commit.known {
			continue
		}
		from := f.commit.committed
		if from < 0 {
			from = 0
			if resets[s.reset] == librdkafka.OffsetEnd {
				from = end
			}
		}
		f.memory.backlog = backlog{from: from, end: end, known: true}
	}
}

// applyBudget pauses the partitions that the budget has closed, and resumes those that it has opened.
func (s *subscription) applyBudget() {
	var stop, resume []librdkafka.Partition
	for tp, f := range s.partitions {
		open, paused := s.groups.memory.open(f.memory.inBudget), s.consumer.Paused(tp.Topic, tp.Partition)
		switch {
		case f.queue == nil:
		case open != paused:
			if paused && f.memory.seen.Records > 0 {
				s.dispose(f)
			}
		case open:
			resume = append(resume, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: f.memory.resumeAt})
		default:
			s.empty(f)
			stop = append(stop, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition})
		}
	}
	if len(stop) > 0 {
		s.consumer.logError("partitions not paused", s.consumer.Pause(stop))
	}
	if len(resume) > 0 {
		s.consumer.resume(resume)
	}
}

// empty takes the last few records of a partition that is to be paused. Otherwise they would have to be fetched again.
func (s *subscription) empty(f *partition) {
	if n := f.queue.Len(); int64(n) < s.memory.threshold.records && !s.waits(f) {
		s.fetch(f, n)
	}
}

// dispose has librdkafka drop an answer that it was unpacking when the partition was paused. librdkafka does so when it
// is asked for a record.
func (s *subscription) dispose(f *partition) {
	if !s.waits(f) {
		s.fetch(f, 1)
	}
}

// admit adds a partition to the budget, before it is assigned.
func (s *subscription) admit(tp record.TopicPartition) partitionMemory {
	p := partitionMemory{resumeAt: -1}
	s.memory.endsAsked = false
	s.groups.memory.change(s.memory.inBudget, func(b *budget.Budget) { p.inBudget = b.Add(s.memory.inBudget, tp.Topic) })
	list := []librdkafka.Partition{{Topic: tp.Topic, ID: tp.Partition}}
	switch paused := s.consumer.Paused(tp.Topic, tp.Partition); {
	case !s.groups.memory.open(p.inBudget) && !paused:
		s.consumer.logError("partitions not paused", s.consumer.Pause(list))
	case s.groups.memory.open(p.inBudget) && paused:
		s.consumer.logError("partitions not resumed", s.consumer.Resume(list))
	}
	return p
}

// dismiss removes a partition from the budget.
func (s *subscription) dismiss(f *partition) {
	s.groups.memory.change(s.memory.inBudget, func(b *budget.Budget) { b.Remove(f.memory.inBudget) })
}

// took notes what was fetched of a partition.
func (f *partition) took(messages []librdkafka.Message) {
	if len(messages) == 0 {
		return
	}
	bytes := 0
	for i := range messages {
		bytes += len(messages[i].Key) + len(messages[i].Value)
	}
	f.memory.seen.Taken, f.memory.resumeAt = true, messages[len(messages)-1].Offset+1
	average := int64(bytes / len(messages))
	if f.memory.recordBytes == 0 {
		f.memory.recordBytes = average
	}
	f.memory.recordBytes = max(1, (f.memory.recordBytes+average)/2)
}
