package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
)

// Order says who may hold records of a partition at the same time.
type Order int

// The orders.
const (
	// Ordered lends a partition to one member at a time.
	Ordered Order = iota
	// Keyed lends any member any record, but no two records of one key at once.
	Keyed
	// Shared lends any member any record.
	Shared
)

// Extent is what waits while a record waits that has failed.
type Extent int

// The extents.
const (
	// ThePartition waits: the records behind it that were not lent yet.
	ThePartition Extent = iota
	// TheKey waits: the records of its key behind it, until it is settled.
	TheKey
	// OnlyItself waits.
	OnlyItself
)

// rules are what the ledgers of a dispatch have in common.
type rules struct {
	order  Order
	window Window
}

// failing is what is known of a record that has failed, or whose clients have died.
type failing struct {
	failures int
	deaths   int
	first    time.Time // when it failed for the first time
	due      time.Time // not lent before
	waiting  bool      // for its time
	blocking bool      // its key waits for it
}

// count is how many attempts have ended without success.
func (f *failing) count() int {
	if f == nil {
		return 0
	}
	return f.failures + f.deaths
}

func (f *failing) waits() bool { return f != nil && f.waiting }

func (f *failing) blocks() bool { return f != nil && f.blocking }

// fail makes an entry one that has failed.
func (l *Ledger) fail(e *entry, now time.Time) *failing {
	l.reach.changes++
	if e.failing == nil {
		e.failing = &failing{first: now}
		l.tallies.failing++
	}
	return e.failing
}

// FailingRecord is a record that has failed, or whose clients have died, and is not settled.
type FailingRecord = commitmeta.Failing

func sortFailing(list []FailingRecord) {
	slices.SortFunc(list, func(a, b FailingRecord) int { return cmp.Compare(a.Offset, b.Offset) })
}

// Held returns what is known of a record in the member's hands. It returns false when the member does not hold it.
func (l *Ledger) Held(s *Member, offset int64) (record FailingRecord, held bool) {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state != leased {
		return record, false
	}
	return e.asFailing(), true
}

func (e *entry) asFailing() FailingRecord {
	r := FailingRecord{Offset: e.record.Offset}
	if f := e.failing; f != nil {
		r.Failures, r.Deaths, r.First = f.failures, f.deaths, f.first
		if f.waiting {
			r.Due = f.due
		}
	}
	return r
}

// Retry ends the member's lease of a record that has failed. It is lent again, to anybody, not before due. Until then its
// extent waits. With counted false the attempt does not count: not the record is at fault.
func (l *Ledger) Retry(s *Member, offset int64, now, due time.Time, extent Extent, counted bool) bool {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state != leased {
		return false
	}
	l.disown(e)
	l.leave(e)
	l.counts.release()
	if counted {
		l.countFailure(e, now)
	} else {
		l.fail(e, now)
	}
	l.await(e, due, extent)
	return true
}

// countFailure counts one more failure of an entry.
//
//checker:seam record-failed
func (l *Ledger) countFailure(e *entry, now time.Time) { l.fail(e, now).failures++ }

// await makes a failing entry wait for its time.
func (l *Ledger) await(e *entry, due time.Time, extent Extent) {
	e.failing.due, e.failing.waiting = due, true
	l.postpone(e, due)
	l.keepWaiting(e, extent)
}

// keepWaiting makes an entry's extent wait.
//
//checker:seam extent-of-a-failing-record
func (l *Ledger) keepWaiting(e *entry, extent Extent) {
	switch extent {
	case ThePartition:
		l.queue.barriers = l.queue.barriers.with(e.record.Offset)
	case TheKey:
		if e.failing != nil {
			e.failing.blocking = true
		}
		l.block(e)
	case OnlyItself:
		l.unblock(e)
	}
}

// GiveUp ends the member's lease of a record whose dead letter is to be written. Nobody is lent it any more.
func (l *Ledger) GiveUp(s *Member, offset int64, now time.Time, extent Extent, rejected bool) bool {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state != leased {
		return false
	}
	if rejected {
		l.counts.reject()
	} else {
		l.counts.release()
	}
	l.countFailure(e, now)
	l.doom(e, extent)
	return true
}

// GiveUpFree gives up a record that nobody holds: too many clients have died of it, or it was remembered as failed too often.
func (l *Ledger) GiveUpFree(offset int64) bool {
	e := l.find(offset)
	if e == nil || e.state != ready && e.state != waiting {
		return false
	}
	l.doom(e, l.blocks)
	return true
}

// doom makes an entry one whose dead letter is being written. What has waited for it goes on waiting: it may not come
// before the dead letter.
func (l *Ledger) doom(e *entry, extent Extent) {
	l.disown(e)
	l.leave(e)
	if e.failing != nil {
		e.failing.waiting = false
	}
	l.enter(e, dying)
	l.keepWaiting(e, extent)
}

// Dying returns a record that was given up, and what is known of its attempts. It returns false when there is none.
func (l *Ledger) Dying(offset int64) (d Delivery, r FailingRecord, ok bool) {
	e := l.find(offset)
	if e == nil || e.state != dying {
		return d, r, false
	}
	return Delivery{Record: e.record, Attempt: e.failing.count(), Generation: l.generation}, e.asFailing(), true
}

// Bury settles a record that was given up: its dead letter is written, or nobody wants one.
//
//checker:seam dead-letter-written
func (l *Ledger) Bury(offset int64) bool {
	e := l.find(offset)
	if e == nil || e.state != dying {
		return false
	}
	l.counts.Dead++
	l.finish(e)
	l.trim()
	return true
}

// Failed returns what is known of a record that has failed and is not settled.
func (l *Ledger) Failed(offset int64) (r FailingRecord, failed bool) {
	e := l.find(offset)
	if e == nil || e.failing == nil {
		return r, false
	}
	return e.asFailing(), true
}

// SetOldest says from which timestamp on records may be lent, in milliseconds since the epoch. Older ones are given up.
func (l *Ledger) SetOldest(timestamp int64) { l.oldest = timestamp }

// expired gives up a record that is too old to be lent, and tells whether it was.
func (l *Ledger) expired(e *entry) bool {
	if e.record.Timestamp < 0 || e.record.Timestamp >= l.oldest {
		return false
	}
	l.doom(e, l.blocks)
	l.tooOld = append(l.tooOld, e.record.Offset)
	return true
}

// TakeExpired returns the records that were given up for their age since the last call.
func (l *Ledger) TakeExpired() []int64 {
	list := l.tooOld
	l.tooOld = nil
	return list
}

// Waiting is how many records have failed, how many wait (for their time, or for another one of their key), and how many have been
// given up and not settled.
func (l *Ledger) Waiting() (failing, waiting, dying int) {
	return l.tallies.failing, l.tallies.waiting, l.tallies.dying
}

// Halt keeps everything of the partition from being lent, or lets it go on.
func (l *Ledger) Halt(halted bool) { l.halted = halted }

// Postpone makes a record wait that nobody holds. Until due its extent waits.
func (l *Ledger) Postpone(offset int64, now, due time.Time, extent Extent) bool {
	e := l.find(offset)
	if e == nil || e.state != ready {
		return false
	}
	l.disown(e)
	l.leave(e)
	l.fail(e, now)
	l.await(e, due, extent)
	return true
}
