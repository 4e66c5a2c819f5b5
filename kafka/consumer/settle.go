package consumer

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// settle runs one settlement on the ledger of a partition, and counts the settled records. 0 says that the settlement is
// stale. The partition is not assigned here any more, or the member does not owe the record.
func (m *Member) settle(tp record.TopicPartition, counter *atomic.Int64, do func(*ledger.Ledger) int) int {
	g := m.sub.groups
	n := m.sub.settle(tp, do)
	if n == 0 {
		g.consumed.stale.Add(1)
		g.leases.stale(m.id.Group, tp.Topic)
		return 0
	}
	counter.Add(int64(n))
	return n
}

func (s *subscription) settle(tp record.TopicPartition, do func(*ledger.Ledger) int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.dispatch.Ledger(tp)
	if l == nil {
		return 0
	}
	n := do(l)
	if n == 0 {
		return 0
	}
	now := time.Now()
	s.openGates(now)
	s.dispatch.Wake(now)
	if s.dispatch.Partition(tp).Closing() {
		s.wake()
	}
	return n
}

func one(did bool) int {
	if did {
		return 1
	}
	return 0
}

// AcceptThrough accepts everything that the member owes of a partition up to and including offset. It returns the number
// of records; 0 is a stale acknowledgement.
func (m *Member) AcceptThrough(tp record.TopicPartition, offset int64) int {
	return m.settle(tp, &m.sub.groups.consumed.accepted, func(l *ledger.Ledger) int {
		return m.sub.noteAccepted(tp.Topic, l.AcceptThrough(m.inDispatch, offset))
	})
}

// Accept accepts one record. It returns false when the member does not owe it.
func (m *Member) Accept(tp record.TopicPartition, offset int64) bool {
	return m.settle(tp, &m.sub.groups.consumed.accepted, func(l *ledger.Ledger) int {
		return m.sub.noteAccepted(tp.Topic, one(l.Accept(m.inDispatch, offset)))
	}) > 0
}

// Owes tells whether the member owes the record.
func (m *Member) Owes(tp record.TopicPartition, offset int64) bool {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.dispatch.Ledger(tp)
	return l != nil && l.Owes(m.inDispatch, offset)
}

// GiveBack returns records that the member was just lent and could not use. They come next in their partitions. Records
// that the member does not hold any more are passed over.
func (m *Member) GiveBack(lent []ledger.Delivery) {
	s, n := m.sub, 0
	s.mu.Lock()
	for i := range lent {
		d := &lent[i]
		if l := s.dispatch.Ledger(d.TopicPartition); l != nil && l.Release(m.inDispatch, d.Offset) {
			n++
		}
	}
	s.dispatch.Wake(time.Now())
	s.mu.Unlock()
	s.groups.consumed.released.Add(int64(n))
	s.wake() // a revocation may wait for these records
}

// SkipRecord lets a group go on without a record, whoever holds it. With dry it only tells whether it could. ErrNotHere says
// that the partition is not assigned to this proxy.
func (g *Groups) SkipRecord(group string, tp record.TopicPartition, offset int64, dry bool) error {
	for _, s := range g.open() {
		if s.group != group {
			continue
		}
		s.mu.Lock()
		l := s.dispatch.Ledger(tp)
		s.mu.Unlock()
		if l != nil {
			return s.skipRecord(tp, offset, dry)
		}
	}
	return kerr.NotHere(tp, "")
}

func (s *subscription) skipRecord(tp record.TopicPartition, offset int64, dry bool) error {
	err := kerr.NotHere(tp, "") // it may have left meanwhile
	s.settle(tp, func(l *ledger.Ledger) int {
		err = nil
		switch {
		case l.Settled(offset):
			err = fmt.Errorf("record %s:%d is settled already", tp, offset)
		case !l.Has(offset):
			err = fmt.Errorf("record %s:%d is not among those that the group is at: it goes on at %d", tp, offset, max(0, l.Position()))
		case !dry:
			l.Drop(offset)
			return 1
		}
		return 0
	})
	if err == nil && !dry {
		s.log.Info("record skipped for the group", "record", fmt.Sprintf("%s:%d", tp, offset))
		s.wake()
	}
	return err
}
