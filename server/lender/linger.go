package lender

import "time"

// Linger is how long a Lender stays in its group while nobody asks and nothing is lent. Its subscription lingers longer,
// unless other members need the partitions or the subscription's place.
const Linger = Turn

// Exit ends a request's use of a lender.
func (s *Lenders) Exit(l *Lender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.users--
	l.seen = s.clock.Now()
}

// retire ends a lender that nobody needs, or whose consumer failed. It reports whether it did.
func (s *Lenders) retire(l *Lender) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.state.over && l.needed(s.clock.Now()) {
		return false
	}
	s.drop(l)
	l.leave()
	return true
}

// needed reports whether the lender has something to do, or was used lately. Both mu are held.
func (l *Lender) needed(now time.Time) bool {
	return l.users > 0 || l.state.book.open() > 0 || now.Sub(latest(l.seen, l.state.settled)) < Linger
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
