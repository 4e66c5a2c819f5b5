package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// revocation is a set of partitions that Kafka takes away. It waits until members owe nothing of them, or until the
// deadline.
type revocation struct {
	partitions []librdkafka.Partition
	deadline   time.Time
}

// assign takes partitions that Kafka assigns. Each gets its own queue before it is fetched, so that a slow partition
// holds back no other.
func (s *subscription) assign(partitions []librdkafka.Partition) {
	for _, p := range partitions {
		s.open(record.TopicPartition{Topic: p.Topic, Partition: p.ID})
	}
	if err := s.consumer.Assign(partitions); err != nil {
		s.log.Error("partitions not assigned", "err", err)
	}
	s.mu.Lock()
	s.assigned, s.obstacles.shutOut = true, nil
	s.mu.Unlock()
	s.rebalanced()
	s.log.Info("partitions assigned", "partitions", names(partitions))
}

func (s *subscription) rebalanced() {
	s.groups.consumed.rebalances.Add(1)
	s.groups.leases.rebalanced(s.group)
}

func (s *subscription) open(tp record.TopicPartition) {
	queue := s.consumer.Queue(tp.Topic, tp.Partition)
	row := s.groups.leases.admit(s.group, tp.Topic)
	memory := s.admit(tp)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obstacles.trouble = nil
	if s.leases[row] == nil {
		s.leases[row] = &ledger.LeaseCounts{}
	}
	s.dispatch.Add(tp, s.leases[row])
	f := &partition{
		inDispatch: s.dispatch.Partition(tp), queue: queue, memory: memory, log: logFrom(-1),
		commit: commitState{committed: -1, reach: commitmeta.Room(s.commits.limit)},
	}
	f.inDispatch.Ledger().Reach(f.commit.reach)
	s.partitions[tp], s.committedQuery.due = f, true
	s.applyRules(f.inDispatch, s.rulesOf(tp.Topic))
	s.takeSettlements(tp, f)
	select {
	case s.groups.opened <- struct{}{}:
	default: // watchTopics is told already
	}
	s.groups.countAssigned(1)
}

// revoke begins to give partitions back. Nothing of them is lent any more; what members owe can be settled until the
// grace is over. Of lost partitions nothing is committed.
func (s *subscription) revoke(partitions []librdkafka.Partition, now time.Time) {
	s.rebalanced()
	s.serveRevocation(now, true) // completes an earlier revocation that still waits
	if s.consumer.Lost() {
		s.log.Warn("partitions lost", "partitions", names(partitions))
		s.letGo(partitions)
		return
	}
	s.mu.Lock()
	for _, p := range partitions {
		if l := s.dispatch.Partition(record.TopicPartition{Topic: p.Topic, Partition: p.ID}); l != nil {
			l.Close()
		}
	}
	s.mu.Unlock()
	s.revoking = &revocation{partitions: partitions, deadline: now.Add(s.cfg.Consume.RevokeGrace)}
	s.serveRevocation(now, false)
}

// serveRevocation completes a revocation when members owe nothing of it, or its deadline is over, or at once.
func (s *subscription) serveRevocation(now time.Time, atOnce bool) {
	r := s.revoking
	if r == nil || !atOnce && now.Before(r.deadline) && s.owes(r.partitions) {
		return
	}
	s.revoking = nil
	s.commitNow(time.Now())
	s.letGo(r.partitions)
	s.log.Info("partitions revoked", "partitions", names(r.partitions))
}

func (s *subscription) owes(partitions []librdkafka.Partition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if l := s.dispatch.Ledger(record.TopicPartition{Topic: p.Topic, Partition: p.ID}); l != nil && l.Unended() {
			return true
		}
	}
	return false
}

// letGo gives partitions back to Kafka, and forgets what members owe of them.
func (s *subscription) letGo(partitions []librdkafka.Partition) {
	if err := s.consumer.Unassign(partitions); err != nil {
		s.log.Warn("partitions not unassigned", "err", err)
	}
	for _, p := range partitions {
		s.drop(record.TopicPartition{Topic: p.Topic, Partition: p.ID})
	}
}

func (s *subscription) drop(tp record.TopicPartition) {
	f := s.partitions[tp]
	if f == nil {
		return
	}
	delete(s.partitions, tp)
	s.end(tp, f)
	s.dismiss(f)
	if f.queue != nil {
		f.queue.Close()
	}
	s.groups.countAssigned(-1)
}

// end ends a partition in the dispatch: nothing of it is lent or settled any more.
func (s *subscription) end(tp record.TopicPartition, f *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepSettlements(tp, f)
	s.dropLetters(tp)
	s.dispatch.Remove(tp)
	delete(s.obstacles.unreadable, tp)
}

// closeQueues drops the partitions that are left when the consumer has left its group.
func (s *subscription) closeQueues() {
	for tp := range s.partitions {
		s.drop(tp)
	}
}

// names lists partitions for the log. A long list is cut.
func names(partitions []librdkafka.Partition) []string {
	list := make([]record.TopicPartition, len(partitions))
	for i, p := range partitions {
		list[i] = record.TopicPartition{Topic: p.Topic, Partition: p.ID}
	}
	return record.Names(list)
}
