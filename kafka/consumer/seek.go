package consumer

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// seek is a request to go on at other offsets.
type seek struct {
	ctx     context.Context //nolint:containedctx // of the caller that waits
	offsets []record.PartitionOffset
	left    []record.PartitionOffset // the offsets that were not sought yet
	member  *ledger.Member           // whose records may be taken back; nil: anybody's
	commit  bool                     // the offsets are committed, too
	again   bool                     // the topic was created again
	done    chan<- error
}

// Seek makes partitions go on at other offsets. What the member owes of them is taken back, buffered records are
// dropped, and nothing is committed. When Seek returns, the next records are those at the offsets. ErrNotHere says that
// a partition is not assigned here, or that another member owes records of it. Nothing has moved then.
func (m *Member) Seek(ctx context.Context, offsets []record.PartitionOffset) error {
	return m.sub.seek(ctx, offsets, m.inDispatch, false)
}

// Seek makes a group that this proxy serves go on at the offsets, and commits them. Records that members owe of these
// partitions are taken back. The offsets of partitions that are not assigned here are returned.
func (g *Groups) Seek(ctx context.Context, group string, offsets []record.PartitionOffset) (elsewhere []record.PartitionOffset, err error) {
	elsewhere = slices.Clone(offsets)
	for _, s := range g.open() {
		if s.group != group {
			continue
		}
		ours := s.ours(elsewhere)
		if len(ours) == 0 {
			continue
		}
		if err := s.seek(ctx, ours, nil, true); err != nil {
			return elsewhere, err
		}
		elsewhere = slices.DeleteFunc(elsewhere, func(p record.PartitionOffset) bool { return slices.Contains(ours, p) })
	}
	return elsewhere, nil
}

// ours are the offsets of partitions that are assigned here.
func (s *subscription) ours(offsets []record.PartitionOffset) (ours []record.PartitionOffset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range offsets {
		if s.dispatch.Partition(p.TopicPartition) != nil {
			ours = append(ours, p)
		}
	}
	return ours
}

func (s *subscription) seek(ctx context.Context, offsets []record.PartitionOffset, member *ledger.Member, commit bool) error {
	if len(offsets) == 0 {
		return nil
	}
	return s.call(ctx, func(done chan<- error) {
		s.trySeek(&seek{ctx: ctx, offsets: offsets, left: offsets, member: member, commit: commit, done: done})
	})
}

// trySeek seeks, or tries again in the next round: librdkafka does not fetch a partition yet that was just assigned.
func (s *subscription) trySeek(o *seek) {
	if o.ctx.Err() != nil {
		return // the caller does not wait any more
	}
	wait, err := s.mayMove(o)
	if err == nil {
		wait, err = s.move(o)
	}
	switch {
	case wait:
		s.doNextRound(func() { s.trySeek(o) })
	case err != nil || !o.commit:
		o.done <- err
	default:
		s.beginCommit(nil, o.offsets, o.done)
	}
}

// mayMove is nil when the partitions may be sought. wait says that the error may pass: nothing is assigned yet.
func (s *subscription) mayMove(o *seek) (wait bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range o.left {
		member := o.member
		if l := s.dispatch.Partition(p.TopicPartition); l != nil && member == nil {
			member = l.Holder()
		}
		if err := s.free(p.TopicPartition, member); err != nil {
			return !s.assigned, err
		}
	}
	return false, nil
}

// move seeks the offsets that are left, and begins new ledgers for these partitions. wait says that some offsets are
// left.
func (s *subscription) move(o *seek) (wait bool, err error) {
	list := librdkafka.PartitionsAt(o.left)
	if err := s.consumer.Seek(list); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []record.PartitionOffset
	for i, p := range list {
		switch p.Err {
		case librdkafka.None:
			f := s.partitions[o.left[i].TopicPartition]
			s.restart(f, o.left[i].Offset)
			f.log.sought = sought{at: time.Now(), again: o.again}
			if o.commit {
				f.inDispatch.Ledger().Begin(o.left[i].Offset)
			}
			delete(s.obstacles.unreadable, o.left[i].TopicPartition)
		case librdkafka.State, librdkafka.Outdated: // the partition was only just assigned
			left = append(left, o.left[i])
		default:
			err = kerr.FromCode(p.Err)
		}
	}
	o.left = left
	if len(left) < len(list) && !s.halting() {
		s.obstacles.trouble = nil
	}
	return len(left) > 0 && err == nil, err
}

// seekTwice goes on at the next offset when a seek was undone, and tells whether it did. It does so once after a seek.
//
// librdkafka may be waiting for the answer to "where does the log begin, or end?" while a partition is sought. It then
// drops that answer, asks again, and goes where the second answer says, with no regard to the seek
// (rd_kafka_toppar_handle_Offset). The members would get records again, or miss some.
func (s *subscription) seekTwice(f *partition, next int64) bool {
	if l := f.log.sought; next < 0 || l.at.IsZero() || l.again || l.twice {
		return false
	}
	f.log.sought.twice = true
	tp := f.inDispatch.TopicPartition
	list := []librdkafka.Partition{{Topic: tp.Topic, ID: tp.Partition, Offset: next}}
	err := s.consumer.Seek(list)
	s.consumer.logError("partitions not sought", err)
	if err == nil && list[0].Err != librdkafka.None { // after an error librdkafka was slow, and seeks all the same
		return false // what has come would be lost if it were not taken
	}
	s.log.Info("partition sought once more", "partition", tp.String(), "to", next)
	return true
}
