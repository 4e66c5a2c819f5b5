package ledger

import (
	"slices"
	"time"
)

// queue tells which entry of a ledger is lent next. An entry is in it in one place: at the front, from the cursor on, or
// among those that wait for their time. A place may be out of date; then the entry's state says so.
type queue struct {
	cursor   int                 // no entry before it is ready, but those at the front
	again    offsets             // the front: ready entries before the cursor
	mine     map[*Member]offsets // where a partition is shared: those that only their owner may have again
	due      []dueRecord         // what waits for its time, the soonest first
	barriers offsets             // nothing behind the first of them is lent
}

type dueRecord struct {
	at     time.Time
	offset int64
}

// first is the entry that the member may be lent now; nil for none. With a nil member it is what anybody may be lent.
func (l *Ledger) first(s *Member, now time.Time) *entry {
	l.promote(now)
	if l.tallies.ready == 0 || l.halted {
		return nil
	}
	for {
		e := l.candidate(s)
		if e == nil || len(l.queue.barriers) > 0 && e.record.Offset > l.queue.barriers[0] {
			return nil
		}
		if !l.waitsForKey(e) && !l.expired(e) {
			return e
		}
	}
}

// candidate is the lowest of the first entries at each place.
func (l *Ledger) candidate(s *Member) *entry {
	e := l.top(&l.queue.again, nil)
	if s != nil && l.queue.mine != nil {
		own := l.queue.mine[s]
		e = lower(e, l.top(&own, s))
		if len(own) == 0 {
			delete(l.queue.mine, s)
		} else {
			l.queue.mine[s] = own
		}
	}
	if l.crowded() {
		return e
	}
	return lower(e, l.atCursor())
}

// top is the first entry of a list that is still ready, for anybody or for its owner.
func (l *Ledger) top(list *offsets, owner *Member) *entry {
	for len(*list) > 0 {
		if e := l.find((*list)[0]); e != nil && e.state == ready && (e.owner == owner || l.rules.order == Ordered) {
			return e
		}
		*list = (*list)[1:]
	}
	return nil
}

func lower(a, b *entry) *entry {
	if a == nil || b != nil && b.record.Offset < a.record.Offset {
		return b
	}
	return a
}

// atCursor is the first entry that was never lent, and is ready.
func (l *Ledger) atCursor() *entry {
	q := &l.queue
	for q.cursor = max(q.cursor, l.head); q.cursor < len(l.entries); q.cursor++ {
		if e := &l.entries[q.cursor]; e.state == ready && e.lends == 0 {
			return e
		}
	}
	return nil
}

// took notes that an entry is lent.
func (q *queue) took(offset int64) {
	if len(q.again) > 0 && q.again[0] == offset {
		q.again = q.again[1:]
	}
}

// renew makes an entry ready again.
func (l *Ledger) renew(e *entry) {
	l.enter(e, ready)
	q := &l.queue
	if l.rules.order == Ordered || e.owner == nil {
		q.again = q.again.with(e.record.Offset)
		return
	}
	if q.mine == nil {
		q.mine = map[*Member]offsets{}
	}
	q.mine[e.owner] = q.mine[e.owner].with(e.record.Offset)
}

// postpone makes an entry wait for its time.
func (l *Ledger) postpone(e *entry, at time.Time) {
	l.enter(e, waiting)
	i, _ := slices.BinarySearchFunc(l.queue.due, at, func(d dueRecord, at time.Time) int {
		if d.at.After(at) {
			return 1
		}
		return -1 // those of the same time keep their order
	})
	l.queue.due = slices.Insert(l.queue.due, i, dueRecord{at, e.record.Offset})
}

// promote makes those ready whose time has come.
func (l *Ledger) promote(now time.Time) {
	q := &l.queue
	for len(q.due) > 0 && !now.Before(q.due[0].at) {
		d := q.due[0]
		q.due = q.due[1:]
		e := l.waitsFor(d)
		if e == nil {
			continue
		}
		l.leave(e)
		l.lift(e)
		e.failing.waiting = false
		l.renew(e)
	}
}

// waitsFor is the entry that waits for a time; nil when it does not any more.
func (l *Ledger) waitsFor(d dueRecord) *entry {
	if e := l.find(d.offset); e != nil && e.state == waiting && e.failing.waits() && e.failing.due.Equal(d.at) {
		return e
	}
	return nil
}

// nextDue is when the next record's time comes after now; the zero time: none waits.
func (l *Ledger) nextDue(now time.Time) time.Time {
	l.promote(now)
	for len(l.queue.due) > 0 && l.waitsFor(l.queue.due[0]) == nil {
		l.queue.due = l.queue.due[1:]
	}
	if len(l.queue.due) == 0 {
		return time.Time{}
	}
	return l.queue.due[0].at
}

// lift ends what an entry keeps from being lent behind it.
func (l *Ledger) lift(e *entry) {
	l.queue.barriers = l.queue.barriers.without(e.record.Offset)
}

// crowded tells whether so many records wait for failing ones that no new ones are lent: they take a quarter of the window,
// or more have failed than are remembered.
func (l *Ledger) crowded() bool {
	if l.tallies.failing > MostFailing {
		return true
	}
	most := max(1, l.rules.window.Records/4)
	return l.tallies.waiting+l.tallies.dying > most && l.heldBack() > most
}

// heldBack is how many records have failed, or wait behind one of their key that has. Where one of a key is lent at once,
// others wait too, which are none of these.
func (l *Ledger) heldBack() int {
	n := max(l.tallies.failing, l.tallies.dying)
	for _, line := range l.keys {
		if e := l.find(line.first); e != nil && (e.failing != nil || e.state == dying) {
			n += len(line.behind)
		}
	}
	return n
}

// MostFailing is how many records of a partition may have failed and be unsettled before no new ones are lent.
const MostFailing = 250
