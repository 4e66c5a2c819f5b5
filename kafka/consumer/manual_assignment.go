package consumer

import (
	"slices"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// manual tells whether the member chooses its partitions.
func (in *SubscribeOptions) manual() bool { return len(in.Partitions) > 0 }

// Assign changes the partitions of a member that joined with some. Those that stay go on where they are; what
// is held of the others is taken back, and they go on later where they are committed.
func (m *Member) Assign(partitions []record.TopicPartition) {
	partitions = slices.Clone(partitions)
	m.sub.do(func() { m.sub.assignManually(partitions) })
}

// assignManually is what assign and revoke are for members of a group.
func (s *Subscription) assignManually(partitions []record.TopicPartition) {
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
	s.store()
	s.reassign(gone, come)
	s.mu.Lock()
	s.assigned = true
	s.mu.Unlock()
	s.log.Info("partitions chosen", "taken", names(come), "left", names(gone))
}

func (s *Subscription) reassign(gone, come []librdkafka.Partition) {
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

// resets are librdkafka's values of auto.offset.reset.
var resets = map[string]int64{
	"earliest": librdkafka.OffsetBeginning, "smallest": librdkafka.OffsetBeginning, "beginning": librdkafka.OffsetBeginning,
	"latest": librdkafka.OffsetEnd, "largest": librdkafka.OffsetEnd, "end": librdkafka.OffsetEnd,
}

// resetPartitions begins the partitions of which nothing was fetched where auto.offset.reset says: the group has
// committed nothing, because there is no such group. librdkafka takes that answer for a failure, and asks no more.
func (s *Subscription) resetPartitions() {
	at, known := resets[s.reset]
	if !known {
		return // members are told: see takeCommitted
	}
	var list []librdkafka.Partition
	for tp, f := range s.partitions {
		if f.inDispatch.Ledger().Fetched() < 0 {
			list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
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
