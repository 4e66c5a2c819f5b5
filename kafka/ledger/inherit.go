package ledger

import (
	"slices"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
)

// Settlements are what an heir of a ledger needs: all below the position is settled, and some above it. Position is -1 when
// nothing is known.
type Settlements struct {
	Position int64
	Above    []commitmeta.Range // in order, apart from each other
	Failing  []FailingRecord    // in order
}

// inheritance is what an earlier ledger of the same log knew of records that have not come yet.
type inheritance struct {
	doneBelow int64              // what comes below is settled already
	done      []commitmeta.Range // and these, in order
	failing   map[int64]FailingRecord
	recalled  []int64 // records that have come of these: see TakeRecalled
}

// Version tells one state of what is settled and failing from another.
type Version struct {
	generation uint64
	position   int64
	changes    uint64
}

// Version is that of this moment. Two ledgers never have the same.
func (l *Ledger) Version() Version { return Version{l.generation, l.position, l.reach.changes} }

// Sparse tells whether a position alone does not say all: records above it are settled, or fail.
func (l *Ledger) Sparse() bool {
	return l.reach.above+len(l.past.done)+l.tallies.failing+len(l.past.failing) > 0
}

// Base is the offset to commit, -1 for none: the position. Where only records behind the first one are settled, or the first
// one fails, it is the offset of the first one.
func (l *Ledger) Base() int64 {
	if l.position < 0 && l.Sparse() && l.Span() > 0 {
		return l.entries[l.head].record.Offset
	}
	return l.position
}

// Settlements are what an heir of this ledger needs. Offsets without a record that lie between settled records count as
// settled.
func (l *Ledger) Settlements() Settlements {
	s := Settlements{Position: l.Base()}
	if !l.Sparse() {
		return s
	}
	joins := false
	for i := l.head; i < len(l.entries); i++ {
		e := &l.entries[i]
		if e.failing != nil {
			s.Failing = append(s.Failing, e.asFailing())
		}
		if e.state == settled {
			from := e.record.Offset
			if joins {
				from = s.Above[len(s.Above)-1].To
			}
			s.Above = commitmeta.Join(s.Above, commitmeta.Range{From: from, To: e.record.Offset + 1})
		}
		joins = e.state == settled
	}
	s.Above = commitmeta.Merge(s.Above, l.past.done)
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
	l.past = inheritance{doneBelow: s.Position, done: slices.Clone(s.Above), failing: map[int64]FailingRecord{}}
	for _, r := range s.Failing {
		l.past.failing[r.Offset] = r
	}
	l.reach.changes++
}

// wasDone tells whether a record was settled in an earlier ledger, and forgets what comes before it, which does not come any
// more.
func (p *inheritance) wasDone(offset int64) bool {
	for len(p.done) > 0 && p.done[0].To <= offset {
		p.done = p.done[1:]
	}
	if len(p.done) == 0 || p.done[0].From > offset {
		return false
	}
	if p.done[0].From = offset + 1; p.done[0].From == p.done[0].To {
		p.done = p.done[1:]
	}
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
