package ledger

import (
	"math"
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
	rules      *rules
	entries    []entry
	head       int   // entries before head are gone
	position   int64 // offset to commit, -1 before the first record is settled
	fetched    int64 // highest offset ever appended, -1 for none
	end        int64 // nothing comes below it any more but what was appended: see End

	past    inheritance
	reach   reach
	queue   queue
	keys    map[string]*keyLine // keys of which records wait: see waitsForKey
	lent    map[*Member]offsets // where a partition is shared: what each member owes
	tallies tallies
	halted  bool         // nothing is lent: see Halt
	blocks  Extent       // what waits for a record that has failed, where its client does not say
	oldest  int64        // the timestamp of the oldest record that may be lent
	tooOld  []int64      // records that were given up for their age: see TakeExpired
	counts  *LeaseCounts // counts what happens here
}

// tallies are the numbers of a ledger.
type tallies struct {
	ready      int // entries that can be lent
	readyBytes int // their size
	waiting    int // entries that wait: for their time, or for their key
	failing    int // unsettled entries that have failed
	dying      int // entries whose dead letters are being written
	leased     int // entries in somebody's hands
	owed       int // unsettled entries that belong to a member
	bytes      int // size of unsettled entries
}

type state uint8

const (
	ready   state = iota // to be lent; with an owner, only to that one again
	waiting              // to be lent later: see failing, and waitsForKey
	leased               // in somebody's hands
	dying                // given up; its dead letter is being written
	settled              // done with; waits for the entries before it
)

type entry struct {
	record  record.Record
	owner   *Member
	at      time.Time // leased: since when
	first   time.Time // when it was lent for the first time
	failing *failing  // nil: it has not failed
	lends   int32     // how often it was lent
	state   state
	suspect bool // a client has died that held it: it is lent alone
}

// NewLedger starts the ledger of a partition of which nothing is known yet, with the rules of an ordered dispatch. What
// happens in it is counted in lending, which ledgers of one lock may share.
func NewLedger(lending *LeaseCounts) *Ledger { return newLedger(&rules{}, lending) }

func newLedger(r *rules, lending *LeaseCounts) *Ledger {
	return &Ledger{generation: ledgers.Add(1), rules: r, position: -1, fetched: -1, reach: reach{before: -1}, oldest: math.MinInt64, counts: lending}
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
		l.tallies.bytes += r.Size()
		return true
	}
	l.admit(r)
	return true
}

// admit adds an entry for a record. One that was settled in an earlier ledger stays settled.
func (l *Ledger) admit(r record.Record) {
	if r.Offset < l.past.doneBelow {
		return
	}
	if l.past.wasDone(r.Offset) {
		l.push(entry{record: record.Record{TopicPartition: r.TopicPartition, Offset: r.Offset}, state: settled})
		l.reach.above++
		l.trim()
		return
	}
	l.push(entry{record: r})
	l.tallies.bytes += r.Size()
	e := &l.entries[len(l.entries)-1]
	l.enter(e, ready)
	l.recall(e)
}

// enter puts an entry into a state. leave takes it out of the one that it is in.
func (l *Ledger) enter(e *entry, to state) {
	e.state = to
	l.tally(e, 1)
}

func (l *Ledger) leave(e *entry) { l.tally(e, -1) }

func (l *Ledger) tally(e *entry, n int) {
	switch t := &l.tallies; e.state {
	case ready:
		t.ready += n
		t.readyBytes += n * e.record.Size()
	case waiting:
		t.waiting += n
	case leased:
		t.leased += n
	case dying:
		t.dying += n
	case settled:
	}
}

// Position is the offset to commit: all below it are settled. -1 means nothing was settled yet.
func (l *Ledger) Position() int64 { return l.position }

// Fetched is the highest offset that was ever appended, -1 for none.
func (l *Ledger) Fetched() int64 { return l.fetched }

// Owed is how many unsettled records belong to a member.
func (l *Ledger) Owed() int { return l.tallies.owed }

// Unended tells whether members hold records, or dead letters are being written.
func (l *Ledger) Unended() bool { return l.tallies.owed+l.tallies.dying > 0 }

// Leased is how many records are in the hands of members.
func (l *Ledger) Leased() int { return l.tallies.leased }

// Ready is how many records can be lent, and their size in bytes.
func (l *Ledger) Ready() (records, bytes int) { return l.tallies.ready, l.tallies.readyBytes }

// Span is how many entries the ledger spans, settled ones behind an unsettled one included.
func (l *Ledger) Span() int { return len(l.entries) - l.head }

// Lend hands the member the first record that it may have now. A suspect is lent only if it is to be alone.
func (l *Ledger) Lend(s *Member, now time.Time, alone bool) (Delivery, bool) {
	e := l.first(s, now)
	if e == nil || e.suspect && !alone {
		return Delivery{}, false
	}
	return l.lend(e, s, now), true
}

// lend hands the member an entry that is ready.
func (l *Ledger) lend(e *entry, s *Member, now time.Time) Delivery {
	l.queue.took(e.record.Offset)
	l.takeKey(e)
	if e.owner != s {
		l.own(e, s)
	}
	l.leave(e)
	e.at = now
	l.enter(e, leased)
	if e.lends++; e.lends == 1 {
		e.first = now
	}
	l.countDelivery(e)
	s.leases++
	return Delivery{Record: e.record, Attempt: 1 + e.failing.count(), Generation: l.generation, alone: e.suspect}
}

// countDelivery counts one more delivery of an entry.
//
//checker:seam record-delivered
func (l *Ledger) countDelivery(e *entry) { l.counts.lend(int(e.lends)) }

func (l *Ledger) own(e *entry, s *Member) {
	e.owner = s
	s.owed++
	s.owedBytes += e.record.Size()
	l.tallies.owed++
	if l.rules.order != Ordered {
		if l.lent == nil {
			l.lent = map[*Member]offsets{}
		}
		l.lent[s] = l.lent[s].with(e.record.Offset)
	}
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
	l.tallies.owed--
	e.owner = nil
	if l.rules.order != Ordered {
		if l.lent[s] = l.lent[s].without(e.record.Offset); len(l.lent[s]) == 0 {
			delete(l.lent, s)
		}
	}
}

// owes calls visit with what the member owes up to and including an offset, in order. visit may settle the entry, or
// take it away.
func (l *Ledger) owes(s *Member, through int64, visit func(*entry)) {
	if l.rules.order != Ordered {
		for _, offset := range append(offsets(nil), l.lent[s]...) {
			if offset <= through {
				visit(l.find(offset))
			}
		}
		return
	}
	for i := l.head; i < len(l.entries) && s.owed > 0 && l.entries[i].record.Offset <= through; i++ {
		if e := &l.entries[i]; e.owner == s {
			visit(e)
		}
	}
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

// Has tells whether a record is here, settled or not.
func (l *Ledger) Has(offset int64) bool { return l.find(offset) != nil }

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
