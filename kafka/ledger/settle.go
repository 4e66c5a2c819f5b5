package ledger

import "time"

// Accept settles one record that the member owes; false when it owes no such record.
func (l *Ledger) Accept(s *Member, offset int64) bool {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state == settled {
		return false
	}
	l.settle(e)
	l.trim()
	return true
}

// AcceptThrough settles everything that the member owes up to and including offset, and returns how
// many records that were.
func (l *Ledger) AcceptThrough(s *Member, offset int64) int {
	n := 0
	l.owes(s, offset, func(e *entry) {
		l.settle(e)
		n++
	})
	l.trim()
	return n
}

// AcceptLeased settles everything that is in the member's hands, and returns how many records that
// were. What waits to be lent to it again stays.
func (l *Ledger) AcceptLeased(s *Member) int {
	n := 0
	l.owes(s, l.fetched, func(e *entry) {
		if e.state == leased {
			l.settle(e)
			n++
		}
	})
	l.trim()
	return n
}

// Begin says where a ledger begins that has settled nothing yet: that is its position then, which may be lower than what
// an earlier ledger of the partition had, as its log went back, or somebody wants to go back.
func (l *Ledger) Begin(at int64) {
	if l.position < 0 {
		l.position = max(-1, at)
	}
}

// Pass says that the records between two offsets do not come any more: the log begins behind them. What is unsettled
// before them still holds the position.
//
//checker:seam records-deleted
func (l *Ledger) Pass(from, to int64) {
	l.counts.Skipped += max(0, to-from)
	l.fetched = max(l.fetched, to-1)
	if l.Span() == 0 {
		l.position = max(l.position, to)
	}
}

// Settled tells whether a record that was fetched once is settled, here or before this ledger began.
func (l *Ledger) Settled(offset int64) bool {
	e := l.find(offset)
	return offset < l.position || e != nil && e.state == settled
}

// Skip moves the position to offset where it is lower: somebody has said that all before is done. Records before it
// that nobody holds are lent to nobody any more. What is still owed before it does not move it any more.
func (l *Ledger) Skip(offset int64) {
	l.position, l.past.doneBelow = max(l.position, offset), max(l.past.doneBelow, offset)
	for i := l.head; i < len(l.entries) && l.entries[i].record.Offset < offset; i++ {
		if e := &l.entries[i]; (e.state == ready || e.state == waiting) && e.owner == nil {
			l.finish(e)
		}
	}
	l.trim()
}

// Drop settles a record although nobody has accepted it: the group goes on without it. Whoever holds it may still settle it,
// which is stale then. It returns false when there is no such record, or it is settled.
func (l *Ledger) Drop(offset int64) bool {
	e := l.find(offset)
	if e == nil || e.state == settled {
		return false
	}
	if e.state == leased {
		l.counts.release()
	}
	l.finish(e)
	l.trim()
	return true
}

func (l *Ledger) settle(e *entry) {
	if e.state == ready || e.state == waiting {
		// Its lease ended with a Rewind, and the settlement was under way: it counts as lent once more.
		l.counts.Lent++
		l.counts.Leased++
	}
	l.counts.accept()
	l.finish(e)
}

// finish settles an entry, and lets those go on that have waited for it.
func (l *Ledger) finish(e *entry) {
	l.disown(e)
	l.leave(e)
	l.enter(e, settled)
	l.reach.above++
	l.reach.changes++
	if e.failing != nil {
		e.failing = nil
		l.tallies.failing--
	}
	l.lift(e)
	l.unblock(e)
	l.tallies.bytes -= e.record.Size()
	// The bytes may be needed elsewhere long before the offset can be committed.
	e.record.Key, e.record.Value, e.record.Headers = nil, nil, nil
}

// trim lets settled entries go from the front and moves the position behind them.
func (l *Ledger) trim() {
	for l.head < len(l.entries) && l.entries[l.head].state == settled {
		l.position = max(l.position, l.entries[l.head].record.Offset+1)
		l.pop()
	}
	l.enterAhead()
	if l.position >= 0 && l.Span() == 0 {
		l.position = max(l.position, l.end)
	}
	l.compact()
}

// compact gives the room of gone entries back once they are the larger half.
func (l *Ledger) compact() {
	if l.head < 64 || l.head*2 < len(l.entries) {
		return
	}
	n := copy(l.entries, l.entries[l.head:])
	clear(l.entries[n:])
	l.entries = l.entries[:n]
	l.queue.cursor = max(0, l.queue.cursor-l.head)
	l.head = 0
}

// Release gives one leased record back, to be lent to anybody again at once. No attempt has failed.
func (l *Ledger) Release(s *Member, offset int64) bool {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state != leased {
		return false
	}
	l.takeBack(e)
	return true
}

func (l *Ledger) takeBack(e *entry) {
	was := e.state
	l.disown(e)
	l.leave(e)
	if was == leased {
		l.counts.release()
	}
	l.renew(e)
}

// Rewind makes everything the member holds ready for that same member again, from the lowest: its new
// connection knows nothing of them. A settle of the old connection that is still under way counts.
func (l *Ledger) Rewind(s *Member) {
	l.owes(s, l.fetched, func(e *entry) {
		if e.state == leased {
			s.leases--
			l.leave(e)
			l.counts.release()
			l.renew(e)
		}
	})
}

// Forfeit takes everything the member owes away, to be lent to anybody, in order.
func (l *Ledger) Forfeit(s *Member) {
	l.owes(s, l.fetched, l.forfeit)
}

// forfeit takes one entry from a client that is gone.
//
//checker:seam record-of-a-dead-client
func (l *Ledger) forfeit(e *entry) { l.takeBack(e) }

// Abandon takes everything away from everybody: the partition is not ours any more.
func (l *Ledger) Abandon() {
	for i := l.head; i < len(l.entries) && l.tallies.owed > 0; i++ {
		if l.entries[i].owner != nil {
			l.takeBack(&l.entries[i])
		}
	}
}

// Died notes that the member's client has ended while it held records. The lowest of them counts that. When that is not its
// first death, all are suspects, which are lent alone: so the one that is at fault is soon the lowest.
func (l *Ledger) Died(s *Member, now time.Time) (offset int64, counted bool) {
	suspects := false
	l.owes(s, l.fetched, func(e *entry) {
		if e.state != leased {
			return
		}
		if !counted {
			offset, counted = e.record.Offset, true
			suspects = l.countDeath(e, now) > 1
		}
		e.suspect = e.suspect || suspects
	})
	return offset, counted
}

// countDeath counts one more death of an entry's clients, and returns their number.
func (l *Ledger) countDeath(e *entry, now time.Time) int {
	f := l.fail(e, now)
	f.deaths++
	return f.deaths
}
