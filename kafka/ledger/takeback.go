package ledger

// Rewind makes everything the member holds ready for that same member again, from the lowest: its new
// connection knows nothing of them. A settle of the old connection that is still under way counts.
func (l *Ledger) Rewind(s *Member) {
	for i := l.head; i < len(l.entries) && s.leases > 0; i++ {
		if e := &l.entries[i]; e.owner == s && e.state == leased {
			s.leases--
			l.counts.release()
			l.renew(e)
		}
	}
}

// Forfeit takes everything the member owes away, to be lent to anybody, in order.
func (l *Ledger) Forfeit(s *Member) {
	for i := l.head; i < len(l.entries) && s.owed > 0; i++ {
		if l.entries[i].owner == s {
			l.forfeit(&l.entries[i])
		}
	}
}

// forfeit takes one entry from a client that is gone.
//
//checker:seam record-of-a-dead-client
func (l *Ledger) forfeit(e *entry) { l.takeBack(e) }

// Abandon takes everything away from everybody: the partition is not ours any more.
func (l *Ledger) Abandon() {
	for i := l.head; i < len(l.entries) && l.owed > 0; i++ {
		if l.entries[i].owner != nil {
			l.takeBack(&l.entries[i])
		}
	}
}

func (l *Ledger) takeBack(e *entry) {
	was := e.state
	l.disown(e)
	if was == leased {
		l.counts.release()
		l.renew(e)
	}
}

// Has tells whether a record is here, settled or not.
func (l *Ledger) Has(offset int64) bool { return l.find(offset) != nil }

// Drop settles a record although nobody has accepted it: the group goes on without it. Whoever holds it may still settle it,
// which is stale then. It returns false when there is no such record, or it is settled.
func (l *Ledger) Drop(offset int64) bool {
	e := l.find(offset)
	if e == nil || e.state == settled {
		return false
	}
	if e.state == leased {
		l.counts.release()
	} else {
		l.ready--
		l.readyBytes -= e.record.Size()
	}
	l.disown(e)
	l.finish(e)
	l.trim()
	return true
}
