package ledger

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Ledger tells of one assigned partition which records were fetched, who holds them, which are settled, and how far the
// partition may be committed. It is pure: no clock, no lock, no Kafka.
//
// Records enter in offset order and leave from the front once settled, so the position (the offset
// to commit) never passes an unsettled record. Within a ledger the position never goes back: where the log itself
// did, another ledger begins, whose position may be lower than that of the ledger before.
type Ledger struct {
	generation uint64 // no other ledger in this process has it
	entries    []entry
	head       int   // entries before head are gone
	next       int   // no entry before next is ready
	position   int64 // offset to commit, -1 before the first record is settled
	fetched    int64 // highest offset ever appended, -1 for none
	end        int64 // nothing comes below it any more but what was appended: see End

	inherited inherited
	reach     reach

	ready      int // entries in state ready
	readyBytes int // their size
	owed       int // unsettled entries that belong to a member
	bytes      int // size of unsettled entries

	counts *LeaseCounts // counts what happens here
}

type state uint8

const (
	ready   state = iota // to be lent; with an owner, only to that one again
	leased               // in somebody's hands
	settled              // accepted; waits for the entries before it
)

type entry struct {
	record   record.Record
	owner    *Member
	at       time.Time // leased: since when; ready: not lent before this
	first    time.Time // when it was lent for the first time
	attempts int
	state    state
}

// NewLedger starts the ledger of a partition of which nothing is known yet. What happens in it is counted
// in lending, which ledgers of one lock may share.
func NewLedger(lending *LeaseCounts) *Ledger {
	return &Ledger{generation: ledgers.Add(1), position: -1, fetched: -1, reach: reach{before: -1}, counts: lending}
}

// ledgers counts ledgers.
var ledgers atomic.Uint64

// Append takes a fetched record. One at or below the highest offset seen is dropped: librdkafka may
// fetch again after an internal retry, and handing it out twice would break the lease.
func (l *Ledger) Append(r record.Record) bool {
	if r.Offset <= l.fetched {
		return false
	}
	l.fetched = r.Offset
	l.counts.Fetched++
	if len(l.reach.ahead) > 0 || !l.fits(r.Offset) {
		l.reach.ahead = append(l.reach.ahead, r)
		l.bytes += r.Size()
		return true
	}
	l.enter(r)
	return true
}

// enter takes a record that was not settled in an earlier ledger.
func (l *Ledger) enter(r record.Record) {
	if r.Offset < l.inherited.below {
		return
	}
	if len(l.inherited.above) > 0 && l.wasDone(r.Offset) {
		l.push(entry{record: record.Record{TopicPartition: r.TopicPartition, Offset: r.Offset}, state: settled})
		l.reach.above++
		l.trim()
		return
	}
	l.push(entry{record: r})
	l.ready++
	l.readyBytes += r.Size()
	l.bytes += r.Size()
}

// Position is the offset to commit: all below it are settled. -1 means nothing was settled yet.
func (l *Ledger) Position() int64 { return l.position }

// Fetched is the highest offset that was ever appended, -1 for none.
func (l *Ledger) Fetched() int64 { return l.fetched }

// Owed is how many unsettled records belong to a member.
func (l *Ledger) Owed() int { return l.owed }

// Ready is how many records wait to be lent, and their size in bytes.
func (l *Ledger) Ready() (records, bytes int) { return l.ready, l.readyBytes }

// Span is how many entries the ledger spans, settled ones behind an unsettled one included.
func (l *Ledger) Span() int { return len(l.entries) - l.head }

// Lend hands the first ready record to the member. There is none as well when the first one is not
// due yet: an ordered partition waits for it.
func (l *Ledger) Lend(s *Member, now time.Time) (Delivery, bool) {
	e := l.first()
	if e == nil || now.Before(e.at) {
		return Delivery{}, false
	}
	if e.owner != s {
		l.own(e, s)
	}
	e.state, e.at = leased, now
	if e.attempts++; e.attempts == 1 {
		e.first = now
	}
	l.countDelivery(e)
	l.ready--
	l.readyBytes -= e.record.Size()
	s.leases++
	return Delivery{Record: e.record, Attempt: e.attempts, Generation: l.generation}, true
}

// countDelivery counts one more delivery of an entry.
//
//checker:seam record-delivered
func (l *Ledger) countDelivery(e *entry) { l.counts.lend(e.attempts) }

// first returns the first ready entry, and remembers where it stands.
func (l *Ledger) first() *entry {
	if l.ready == 0 {
		return nil
	}
	for l.entries[l.next].state != ready {
		l.next++
	}
	return &l.entries[l.next]
}

func (l *Ledger) own(e *entry, s *Member) {
	e.owner = s
	s.owed++
	s.owedBytes += e.record.Size()
	l.owed++
}

// disown takes an unsettled entry away from its owner, whoever that is.
func (l *Ledger) disown(e *entry) {
	s := e.owner
	if s == nil {
		return
	}
	if e.state == leased {
		s.leases--
	}
	s.owed--
	s.owedBytes -= e.record.Size()
	l.owed--
	e.owner = nil
}

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
	for i := l.head; i < len(l.entries) && l.entries[i].record.Offset <= offset; i++ {
		if e := &l.entries[i]; e.owner == s && e.state != settled {
			l.settle(e)
			n++
		}
	}
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
	l.position, l.inherited.below = max(l.position, offset), max(l.inherited.below, offset)
	for i := l.head; i < len(l.entries) && l.entries[i].record.Offset < offset; i++ {
		if e := &l.entries[i]; e.state == ready && e.owner == nil {
			l.ready--
			l.readyBytes -= e.record.Size()
			l.finish(e)
		}
	}
	l.trim()
}

// AcceptLeased settles everything that is in the member's hands, and returns how many records that
// were. What waits to be lent to it again stays.
func (l *Ledger) AcceptLeased(s *Member) int {
	n := 0
	for i := l.head; i < len(l.entries) && s.leases > 0; i++ {
		if e := &l.entries[i]; e.owner == s && e.state == leased {
			l.settle(e)
			n++
		}
	}
	l.trim()
	return n
}

func (l *Ledger) settle(e *entry) {
	if e.state == ready {
		l.ready--
		l.readyBytes -= e.record.Size()
		// Its lease ended with a Rewind, and the settlement was under way: it counts as lent once more.
		l.counts.Lent++
		l.counts.Leased++
	}
	l.counts.accept()
	l.disown(e)
	l.finish(e)
}

func (l *Ledger) finish(e *entry) {
	l.bytes -= e.record.Size()
	e.state = settled
	l.reach.above++
	l.reach.changes++
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
	l.next = max(l.next, l.head)
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
	l.next -= l.head
	l.head = 0
}

// Release gives one leased record back, to be lent again to anybody, not before due.
func (l *Ledger) Release(s *Member, offset int64, due time.Time) bool {
	e := l.find(offset)
	if e == nil || e.owner != s || e.state != leased {
		return false
	}
	l.disown(e)
	l.counts.release()
	l.renew(e)
	e.at = due
	return true
}

// FirstUnsettled is the timestamp of the lowest record that is not settled, -1 when it has none; ok is
// false when everything that was fetched is settled.
func (l *Ledger) FirstUnsettled() (timestamp int64, ok bool) {
	if l.Span() == 0 {
		return -1, false
	}
	return l.entries[l.head].record.Timestamp, true
}

// Owes tells whether the member owes the record.
func (l *Ledger) Owes(s *Member, offset int64) bool {
	e := l.find(offset)
	return e != nil && e.owner == s && e.state != settled
}

// renew puts an entry back among the ready ones.
func (l *Ledger) renew(e *entry) {
	e.state = ready
	l.ready++
	l.readyBytes += e.record.Size()
	l.next = min(l.next, l.index(e.record.Offset))
}

func (l *Ledger) find(offset int64) *entry {
	i := l.index(offset)
	if i == len(l.entries) || l.entries[i].record.Offset != offset {
		return nil
	}
	return &l.entries[i]
}

// index is where offset stands or would stand. Offsets have gaps (compaction, transaction markers).
func (l *Ledger) index(offset int64) int {
	live := l.entries[l.head:]
	if len(live) > 0 && live[0].record.Offset == offset {
		return l.head
	}
	return l.head + sort.Search(len(live), func(i int) bool { return live[i].record.Offset >= offset })
}
