package ledger

import (
	"slices"
	"time"
)

func (d *Dispatch) wait(s *Member) {
	s.waiting, s.called = true, false
	d.waiting = append(d.waiting, s)
}

// StopWaiting ends the member's wait; the call it may have had goes to another.
func (d *Dispatch) StopWaiting(s *Member) {
	if !s.waiting {
		return
	}
	s.waiting = false
	d.waiting = slices.DeleteFunc(d.waiting, func(other *Member) bool { return other == s })
}

// Wake wakes waiting members for what is ready: the holder of a partition, else who has waited longest.
// Every caller that makes records ready, or lets a partition go, calls it.
func (d *Dispatch) Wake(now time.Time) {
	if len(d.waiting) == 0 {
		return
	}
	for _, l := range d.partitions {
		if !l.open() {
			continue
		}
		if s := d.nextWaiting(l, now); s != nil && !s.called {
			s.called = true
			s.wake()
		}
	}
}

// nextWaiting is the waiting member that the partition's next record should go to, nil for none.
func (d *Dispatch) nextWaiting(l *Partition, now time.Time) *Member {
	if h := l.holder; d.order == Ordered && h != nil && l.ledger.tallies.owed > 0 {
		if h.waiting && l.ledger.first(h, now) != nil {
			return h
		}
		return nil
	}
	for s := range l.ledger.queue.mine {
		if s.waiting && !s.called && l.ledger.first(s, now) != nil {
			return s
		}
	}
	if l.ledger.first(nil, now) == nil {
		return nil
	}
	for _, s := range d.waiting {
		if !s.called {
			return s
		}
	}
	return nil
}

// WakeAll wakes every waiting member: there is something to be told, if nothing to be lent.
func (d *Dispatch) WakeAll() {
	for _, s := range d.waiting {
		s.wake()
	}
}

// Waiting tells whether a member has asked for records and found none.
func (d *Dispatch) Waiting() bool { return len(d.waiting) > 0 }

// NextDue is when the next record's time comes after now; the zero time when there is none. A record whose time has come waits
// for a member, not for a time.
func (d *Dispatch) NextDue(now time.Time) (next time.Time) {
	for _, l := range d.partitions {
		if at := l.ledger.nextDue(now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}
