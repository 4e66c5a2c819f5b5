package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// GiveBack returns records that the member was just lent and could not use: they are the next of their
// partitions again. Those that it does not hold any more are passed over.
func (m *Member) GiveBack(lent []ledger.Delivery) {
	s, n := m.sub, 0
	s.mu.Lock()
	for i := range lent {
		d := &lent[i]
		if l := s.dispatch.Ledger(d.TopicPartition); l != nil && l.Release(m.seat, d.Offset, time.Time{}) {
			n++
		}
	}
	s.dispatch.Wake(time.Now())
	s.mu.Unlock()
	s.groups.consumed.released.Add(int64(n))
	s.kick() // a revocation may have waited for them
}

// Assigned are the partitions that the member can be lent records of, in order: those that Kafka assigned to
// this proxy for its topics, but for what other members are at work on.
func (m *Member) Assigned() []record.TopicPartition {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	var free []record.TopicPartition
	for l := range s.dispatch.Partitions() {
		if tp := l.TopicPartition; !l.Closing() && s.free(tp, m.seat) == nil {
			free = append(free, tp)
		}
	}
	slices.SortFunc(free, func(a, b record.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return free
}

// Joining tells whether the group has not assigned anything yet, to anybody here.
func (m *Member) Joining() bool {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return !m.sub.assigned
}

// committedSlots bounds how many goroutines wait inside librdkafka for an answer about committed offsets: each
// holds a thread there.
var committedSlots = make(chan struct{}, 4)

// Committed asks the brokers what the member's group has committed of the partitions. Those of which that is
// nothing are left out.
func (m *Member) Committed(ctx context.Context, partitions []record.TopicPartition) ([]record.PartitionOffset, error) {
	select {
	case committedSlots <- struct{}{}:
		defer func() { <-committedSlots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s", kerr.ErrNoAnswer, kerr.Reason(ctx.Err()))
	}
	list := make([]librdkafka.Partition, 0, len(partitions))
	for _, tp := range partitions {
		list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: librdkafka.OffsetInvalid})
	}
	list, err := m.sub.consumer.Committed(list, time.Duration(cluster.MillisLeft(ctx))*time.Millisecond)
	var told *librdkafka.Error
	if errors.As(err, &told) && told.Code == librdkafka.NoGroup {
		return nil, nil
	}
	if err != nil {
		return nil, kerr.InGroup(err)
	}
	var committed []record.PartitionOffset
	for _, p := range list {
		if p.Err == librdkafka.None && p.Offset >= 0 {
			committed = append(committed, record.PartitionOffset{TopicPartition: record.TopicPartition{Topic: p.Topic, Partition: p.ID}, Offset: p.Offset})
		}
	}
	return committed, nil
}
