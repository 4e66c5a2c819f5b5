package ledger

import (
	"slices"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
)

// Settlements are what an heir of a ledger needs: all below the position is settled, and some above it. Position is -1 when
// nothing is settled.
type Settlements struct {
	Position int64
	Above    []commitmeta.Range // in order, apart from each other
	Failing  []FailingRecord    // in order of offset
}

// FailingRecord is a record that has failed, and is not settled.
type FailingRecord = commitmeta.Failing

// inherited is what an earlier ledger of the same log had settled.
type inherited struct {
	below   int64                   // what comes below is settled
	above   []commitmeta.Range      // and these, which have not come yet
	failing map[int64]FailingRecord // by offset
}

// Version tells one state of a ledger's settlements from another.
type Version struct {
	generation uint64
	position   int64
	changes    uint64
}

// Version is that of the settlements as they are now. Two ledgers never have the same.
func (l *Ledger) Version() Version { return Version{l.generation, l.position, l.reach.changes} }

// Sparse tells whether records above the position are settled, so that a position alone does not say what is settled.
func (l *Ledger) Sparse() bool { return l.reach.above > 0 || len(l.inherited.above) > 0 }

// Base is the offset to commit, -1 for none: the position. Where nothing but records behind the first one is settled, it
// is the offset of the first.
func (l *Ledger) Base() int64 {
	if l.position < 0 && l.Sparse() && l.Span() > 0 {
		return l.entries[l.head].record.Offset
	}
	return l.position
}

// Settlements are what is settled now. Offsets without a record that lie between settled records count as settled.
func (l *Ledger) Settlements() Settlements {
	s := Settlements{Position: l.Base()}
	if !l.Sparse() {
		return s
	}
	joins := false
	for i := l.head; i < len(l.entries); i++ {
		e := &l.entries[i]
		if e.state == settled {
			from := e.record.Offset
			if joins {
				from = s.Above[len(s.Above)-1].To
			}
			s.Above = commitmeta.Join(s.Above, commitmeta.Range{From: from, To: e.record.Offset + 1})
		}
		joins = e.state == settled
	}
	s.Above = commitmeta.Merge(s.Above, l.inherited.above)
	return s
}

// Inherit takes over what an earlier ledger of the same log had settled. Its records do not have to be lent again
// when they come.
func (l *Ledger) Inherit(s Settlements) {
	l.position = max(l.position, s.Position)
	l.inherited = inherited{below: s.Position, above: slices.Clone(s.Above), failing: map[int64]FailingRecord{}}
	for _, f := range s.Failing {
		l.inherited.failing[f.Offset] = f
	}
	l.reach.changes++
}

// wasDone tells whether a record was settled in an earlier ledger, and forgets what comes before it, which does not come
// any more.
func (l *Ledger) wasDone(offset int64) bool {
	above := l.inherited.above
	for len(above) > 0 && above[0].To <= offset {
		above = above[1:]
	}
	l.inherited.above = above
	if len(above) == 0 || above[0].From > offset {
		return false
	}
	above[0].From = offset + 1
	if above[0].From == above[0].To {
		l.inherited.above = above[1:]
	}
	return true
}
