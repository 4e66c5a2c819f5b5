package kafka

import (
	"slices"
	"time"
)

// Seat is a member's place in a Dispatch: it outlives the member's connection by the grace.
type Seat struct {
	Name string

	present bool      // a connection sits here
	until   time.Time // when absent: the end of the grace
	waiting bool      // its last ask found nothing
	called  bool      // told that there is something, and has not asked since
	wake    func()    // tells the connection to ask again

	windows   int   // how many windows it may fill, 0 for one
	leases    int   // records in its hands
	owed      int   // records that belong to it, those to be lent again included
	owedBytes int   // their size
	lane      *lane // where it was lent something last
	run       int   // how many in a row came from there
}

// Sit gives the named member its seat: a new one, or its old one with everything it still owes to
// be lent again from the lowest. wake is called when a member that found nothing may ask again.
func (d *Dispatch) Sit(name string, wake func()) *Seat {
	s := d.seats[name]
	if s == nil {
		s = &Seat{Name: name}
		d.seats[name] = s
	}
	for _, l := range d.lanes {
		l.ledger.Rewind(s)
	}
	if !s.present {
		d.present++
	}
	s.present, s.wake = true, wake
	s.waiting, s.called = false, false
	return s
}

// Stand leaves the seat empty, keeping what it owes until the time given.
func (d *Dispatch) Stand(s *Seat, now, until time.Time) {
	d.leave(s)
	s.until = until
	d.Call(now)
}

func (d *Dispatch) leave(s *Seat) {
	d.Unwait(s)
	if s.present {
		d.present--
	}
	s.present = false
}

// Dismiss takes the seat away; what it owed is lent to the others.
func (d *Dispatch) Dismiss(s *Seat, now time.Time) {
	if d.seats[s.Name] != s {
		return
	}
	d.leave(s)
	delete(d.seats, s.Name)
	for _, l := range d.lanes {
		l.ledger.Forfeit(s)
		if l.holder == s {
			l.holder = nil
		}
	}
	s.lane = nil
	d.Call(now)
}

// Expire dismisses the empty seats whose grace is over, or that owe nothing any more.
func (d *Dispatch) Expire(now time.Time) (dismissed []*Seat) {
	for _, s := range d.seats {
		if !s.present && (s.owed == 0 || !now.Before(s.until)) {
			dismissed = append(dismissed, s)
		}
	}
	for _, s := range dismissed {
		d.Dismiss(s, now)
	}
	return dismissed
}

func (d *Dispatch) wait(s *Seat) {
	s.waiting, s.called = true, false
	d.waiting = append(d.waiting, s)
}

// Unwait ends the seat's wait; the call it may have had goes to another.
func (d *Dispatch) Unwait(s *Seat) {
	if !s.waiting {
		return
	}
	s.waiting = false
	d.waiting = slices.DeleteFunc(d.waiting, func(other *Seat) bool { return other == s })
}

// Call wakes waiting seats for what is ready: the holder of a lane, else who has waited longest.
// Every caller that makes records ready, or lets a lane go, calls it.
func (d *Dispatch) Call(now time.Time) {
	if len(d.waiting) == 0 {
		return
	}
	for _, l := range d.lanes {
		if e := l.ledger.first(); l.closing || e == nil || now.Before(e.at) {
			continue
		}
		if s := d.callee(l); s != nil && !s.called {
			s.called = true
			s.wake()
		}
	}
}

// callee is the waiting seat that the lane's next record should go to, nil for none.
func (d *Dispatch) callee(l *lane) *Seat {
	if h := l.holder; h != nil && l.ledger.owed > 0 {
		if h.waiting {
			return h
		}
		return nil
	}
	for _, s := range d.waiting {
		if !s.called {
			return s
		}
	}
	return nil
}

// WakeAll wakes every waiting seat: there is something to be told, if nothing to be lent.
func (d *Dispatch) WakeAll() {
	for _, s := range d.waiting {
		s.wake()
	}
}
