package ledger

// Settlements are what an heir of this ledger needs: all below the position is settled, and some above it.
func (l *Ledger) Settlements() (position int64, above []int64) {
	for _, e := range l.entries[l.head:] {
		if e.state == settled {
			above = append(above, e.record.Offset)
		}
	}
	return l.position, append(above, l.done...)
}

// Inherit takes over what an earlier ledger of the same log had settled. Its records do not have to be lent again
// when they come.
func (l *Ledger) Inherit(position int64, above []int64) {
	l.position, l.doneBelow, l.done = max(l.position, position), position, above
}

// wasDone tells whether a record was settled in an earlier ledger, and forgets those before it, which do not come any more.
func (l *Ledger) wasDone(offset int64) bool {
	for len(l.done) > 0 && l.done[0] < offset {
		l.done = l.done[1:]
	}
	if len(l.done) == 0 || l.done[0] != offset {
		return false
	}
	l.done = l.done[1:]
	return true
}
