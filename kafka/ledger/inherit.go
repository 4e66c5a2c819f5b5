package ledger

// Settlements are what an heir of a ledger needs: all below the position is settled, and some above it.
type Settlements struct {
	Position int64
	Above    []int64         // in order
	Failing  []FailingRecord // in order
}

// inheritance is what an earlier ledger of the same log knew of records that have not come yet.
type inheritance struct {
	doneBelow int64   // what comes below is settled already
	done      []int64 // and these, in order
	failing   map[int64]FailingRecord
	recalled  []int64 // records that have come of these: see TakeRecalled
}

// Settlements are what an heir of this ledger needs.
func (l *Ledger) Settlements() Settlements {
	s := Settlements{Position: l.position}
	for i := l.head; i < len(l.entries); i++ {
		switch e := &l.entries[i]; {
		case e.state == settled:
			s.Above = append(s.Above, e.record.Offset)
		case e.failing != nil:
			s.Failing = append(s.Failing, e.asFailing())
		}
	}
	s.Above = append(s.Above, l.past.done...)
	for _, r := range l.past.failing {
		s.Failing = append(s.Failing, r)
	}
	sortFailing(s.Failing)
	return s
}

// Inherit takes over what an earlier ledger of the same log knew. Records that it had settled do not have to be lent again
// when they come. Those that had failed go on where they were.
func (l *Ledger) Inherit(s Settlements) {
	l.position = max(l.position, s.Position)
	l.past = inheritance{doneBelow: s.Position, done: s.Above, failing: map[int64]FailingRecord{}}
	for _, r := range s.Failing {
		l.past.failing[r.Offset] = r
	}
}

// wasDone tells whether a record was settled in an earlier ledger, and forgets those before it, which do not come any more.
func (p *inheritance) wasDone(offset int64) bool {
	for len(p.done) > 0 && p.done[0] < offset {
		p.done = p.done[1:]
	}
	if len(p.done) == 0 || p.done[0] != offset {
		return false
	}
	p.done = p.done[1:]
	return true
}

// recall gives a record that has come what an earlier ledger knew of its failures.
func (l *Ledger) recall(e *entry) {
	r, failed := l.past.failing[e.record.Offset]
	if !failed {
		return
	}
	delete(l.past.failing, r.Offset)
	l.past.recalled = append(l.past.recalled, r.Offset)
	*l.fail(e, r.First) = failing{failures: r.Failures, deaths: r.Deaths, first: r.First}
	if !r.Due.IsZero() {
		l.leave(e)
		l.await(e, r.Due, l.blocks)
		return
	}
	if l.blocks == TheKey {
		l.keepWaiting(e, TheKey)
	}
}

// TakeRecalled returns the records that have come since the last call, and had failed in an earlier ledger.
func (l *Ledger) TakeRecalled() []int64 {
	list := l.past.recalled
	l.past.recalled = nil
	return list
}
