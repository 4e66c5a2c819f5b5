package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Commit settles what the member owes up to and including the offsets. It returns when the brokers have the group's
// positions. A position is the first offset that is not settled: records that other members owe hold it back.
//
// ErrMoved says that a partition has moved away, or away and back; the rest is committed. The records of that partition
// come again, here or elsewhere. After any other error, settled records stay settled. A later commit includes them.
func (m *Member) Commit(ctx context.Context, through []record.PartitionOffset) error {
	s := m.sub
	settled, here, away := s.settleThrough(m.inDispatch, through)
	s.settled(settled)
	if err := s.commit(ctx, here, nil); err != nil {
		return err
	}
	if len(away) > 0 {
		return fmt.Errorf("%w: the records of %s come again", kerr.ErrMoved, away[0])
	}
	return nil
}

func (s *subscription) settleThrough(member *ledger.Member, through []record.PartitionOffset) (settled int, here, away []record.TopicPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range through {
		l := s.dispatch.Ledger(p.TopicPartition)
		if l == nil {
			away = append(away, p.TopicPartition)
			continue
		}
		settled += l.AcceptThrough(member, p.Offset)
		here = append(here, p.TopicPartition)
		if !l.Settled(p.Offset) { // the partition went and came back meanwhile
			away = append(away, p.TopicPartition)
		}
	}
	return settled, here, away
}

// CommitAt commits these offsets, from which the group is to go on. They may be lower than before. What the member owes
// below them is settled. CommitAt returns when the brokers have the offsets. ErrNotHere says that a partition is not
// assigned here, or that another member owes records of it. Nothing is done then.
func (m *Member) CommitAt(ctx context.Context, offsets []record.PartitionOffset) error {
	s := m.sub
	begun := false
	var ahead []record.TopicPartition
	var back []record.PartitionOffset
	return s.callRetrying(ctx, func(done chan<- error) {
		if !begun { // the run goroutine calls this in turn: by now it has assigned what the member chose right before
			settled, on, lower, err := s.settleBelow(m.inDispatch, offsets)
			if err != nil {
				done <- err
				return
			}
			s.settled(settled)
			begun, ahead, back = true, on, lower
		}
		s.beginCommit(ahead, back, done)
	})
}

// settleBelow settles what the member owes below the offsets. Offsets below the position of their partition are returned
// in back.
func (s *subscription) settleBelow(member *ledger.Member, offsets []record.PartitionOffset) (settled int, ahead []record.TopicPartition, back []record.PartitionOffset, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range offsets {
		if err := s.free(p.TopicPartition, member); err != nil {
			return 0, nil, nil, err
		}
	}
	for _, p := range offsets {
		l := s.dispatch.Ledger(p.TopicPartition)
		settled += l.AcceptThrough(member, p.Offset-1)
		if p.Offset < l.Position() {
			back = append(back, p)
			continue
		}
		l.Skip(p.Offset)
		ahead = append(ahead, p.TopicPartition)
	}
	return settled, ahead, back, nil
}

// free is nil when the partition is assigned here and no other member owes records of it. The subscription's mu is held.
func (s *subscription) free(tp record.TopicPartition, member *ledger.Member) error {
	l := s.dispatch.Partition(tp)
	switch {
	case l == nil:
		return kerr.NotHere(tp, "")
	case l.Ledger().Owed() > 0 && l.Holder() != member:
		return kerr.NotHere(tp, ": another member is at work on it")
	}
	return nil
}

// settled counts accepted records. It wakes members that can be lent from the partitions that this has made free.
func (s *subscription) settled(n int) {
	if n == 0 {
		return
	}
	s.groups.consumed.accepted.Add(int64(n))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.Wake(time.Now())
}

// commitRetry is the pause before another attempt of a commit that no coordinator has answered.
const commitRetry = 100 * time.Millisecond

// commit commits the positions of some partitions, and exactly these offsets of others. It returns when the brokers have
// them.
func (s *subscription) commit(ctx context.Context, of []record.TopicPartition, exactly []record.PartitionOffset) error {
	if len(of)+len(exactly) == 0 {
		return nil
	}
	return s.callRetrying(ctx, func(done chan<- error) { s.beginCommit(of, exactly, done) })
}

// callRetrying begins a commit, again and again as long as no coordinator answers.
func (s *subscription) callRetrying(ctx context.Context, begin func(done chan<- error)) error {
	for {
		err := s.call(ctx, begin)
		if !errors.Is(err, kerr.ErrNoAnswer) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(commitRetry):
		case <-s.gone:
			return kerr.ErrStopping
		case <-ctx.Done():
			return err
		}
	}
}

// call has the run goroutine call a function, and waits until the function has told done how it ended.
func (s *subscription) call(ctx context.Context, do func(done chan<- error)) error {
	done := make(chan error, 1)
	if !s.do(func() { do(done) }) {
		return kerr.ErrStopping
	}
	return s.await(ctx, done)
}

// await waits until done is told how a command ended.
func (s *subscription) await(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-s.gone:
		select {
		case err := <-done:
			return err
		default:
			return kerr.ErrStopping
		}
	case <-ctx.Done():
		return fmt.Errorf("%w: %s", kerr.ErrNoAnswer, kerr.Reason(ctx.Err()))
	}
}

// beginCommit commits the positions of some partitions, and exactly these offsets of others. It tells done how that
// ended.
func (s *subscription) beginCommit(of []record.TopicPartition, exactly []record.PartitionOffset, done chan<- error) {
	list, gone := s.settledOf(of)
	if gone {
		done <- kerr.ErrMoving
		return
	}
	s.noteRewound(exactly)
	for _, p := range exactly {
		list[p.TopicPartition] = committing{f: s.partitions[p.TopicPartition], settlements: ledger.Settlements{Position: p.Offset}}
	}
	if len(list) == 0 {
		done <- nil
		return
	}
	if _, err := s.begin(list, s.commits.limit, done); err != nil {
		done <- kerr.InGroup(err)
	}
}

// settledOf is what is settled of partitions. gone says that one of the partitions is not assigned any more.
func (s *subscription) settledOf(partitions []record.TopicPartition) (list map[record.TopicPartition]committing, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list = map[record.TopicPartition]committing{}
	for _, tp := range partitions {
		if s.dispatch.Ledger(tp) == nil {
			return nil, true
		}
		if c := s.partitions[tp].settled(); c.settlements.Position >= 0 {
			list[tp] = c
		}
	}
	return list, false
}

// noteRewound notes the offsets that are below the position of their partition: the group is to go on there later.
func (s *subscription) noteRewound(offsets []record.PartitionOffset) {
	for _, p := range offsets {
		if f := s.partitions[p.TopicPartition]; f != nil {
			f.commit.rewoundAt = s.position(f)
			f.commit.rewound = p.Offset < f.commit.rewoundAt
		}
	}
}

// committedSlots bounds how many goroutines ask for committed offsets at once: each holds a thread inside librdkafka.
var committedSlots = make(chan struct{}, 4)

// Committed asks the brokers which offsets the member's group has committed. Partitions without a committed offset are
// left out.
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
