package consumer

import (
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// manual tells whether the member chooses its partitions itself.
func (in *SubscribeOptions) manual() bool { return len(in.Partitions) > 0 }

// Assign changes the partitions of a member that joined with some. Partitions that stay go on where they are. What the
// member owes of the others is taken back; they go on later at their committed offset.
func (m *Member) Assign(partitions []record.TopicPartition) {
	partitions = slices.Clone(partitions)
	m.sub.do(func() { m.sub.assignManually(partitions) })
}

// assignManually assigns and revokes the partitions that the only member has chosen.
func (s *subscription) assignManually(partitions []record.TopicPartition) {
	var gone, come []librdkafka.Partition
	for tp := range s.partitions {
		if !slices.Contains(partitions, tp) {
			gone = append(gone, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition})
		}
	}
	for _, tp := range partitions {
		if s.partitions[tp] == nil {
			s.open(tp)
			come = append(come, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: librdkafka.OffsetInvalid})
		}
	}
	s.commitNow(time.Now())
	s.reassign(gone, come)
	s.mu.Lock()
	s.assigned = true
	s.mu.Unlock()
	s.log.Info("partitions chosen", "taken", names(come), "left", names(gone))
}

func (s *subscription) reassign(gone, come []librdkafka.Partition) {
	if len(gone) > 0 {
		if err := s.consumer.IncrementalUnassign(gone); err != nil {
			s.log.Warn("partitions not given up", "err", err)
		}
		for _, p := range gone {
			s.drop(record.TopicPartition{Topic: p.Topic, Partition: p.ID})
		}
	}
	if len(come) > 0 {
		if err := s.consumer.IncrementalAssign(come); err != nil {
			s.log.Error("partitions not taken", "err", err)
		}
	}
}

// resets are the offsets that librdkafka's values of auto.offset.reset stand for.
var resets = map[string]int64{
	"earliest": librdkafka.OffsetBeginning, "smallest": librdkafka.OffsetBeginning, "beginning": librdkafka.OffsetBeginning,
	"latest": librdkafka.OffsetEnd, "largest": librdkafka.OffsetEnd, "end": librdkafka.OffsetEnd,
}

// resetPartitions begins partitions of which nothing was fetched at the offset that was sought, or where auto.offset.reset
// says. There is no such group, so nothing is committed. librdkafka takes that answer for a failure, and asks no more. It may
// tell of it more than once.
func (s *subscription) resetPartitions() {
	at, known := resets[s.reset]
	if !known {
		return // takeCommitted tells members
	}
	var list []librdkafka.Partition
	for tp, f := range s.partitions {
		if f.inDispatch.Ledger().Fetched() >= 0 {
			continue
		}
		from := at
		if sought := f.memory.resumeAt; sought >= 0 {
			from = sought
		}
		list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: from})
	}
	if len(list) == 0 {
		return
	}
	if err := s.consumer.IncrementalUnassign(list); err != nil {
		s.log.Warn("partitions not given up", "err", err)
	}
	if err := s.consumer.IncrementalAssign(list); err != nil {
		s.log.Error("partitions not taken", "err", err)
	}
}
