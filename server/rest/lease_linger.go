package rest

import "time"

// lenderLinger is how long a lender keeps its seat when nobody asks and nothing is lent. Its subscription lingers
// longer, unless others need its partitions or its place.
const lenderLinger = lenderTurn

// exit ends a request's use of a lender.
func (s *lenders) exit(l *lender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.users--
	l.seen = s.now()
}

// retire ends a lender that nobody needs, or whose consumer failed.
func (s *lenders) retire(l *lender) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over && l.needed(s.now()) {
		return false
	}
	s.forget(l)
	l.end()
	return true
}

// needed tells whether the lender has something to do, or was asked lately. Both mu are held.
func (l *lender) needed(now time.Time) bool {
	idle := now.Sub(latest(l.seen, l.settled))
	if l.users > 0 || l.book.open() > l.book.parked || idle < lenderLinger {
		return true
	}
	// Records that rest come sooner when others of the group, with other topics or properties, wait for their partitions.
	return l.book.parked > 0 && !l.member.Contested()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
