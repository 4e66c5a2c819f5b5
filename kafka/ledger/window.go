package ledger

import (
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Plenty is what a partition holds ahead of its members when there are few partitions.
var Plenty = Window{Records: 1024, Bytes: 1 << 20, Once: 8 << 20}

// Window bounds what one member may owe and what one partition may span.
type Window struct {
	Records int
	Bytes   int
	Once    int // of what a partition holds ahead: bytes that one fetch may bring, where records are large
}

// WindowError tells a member that it must settle before it is lent more.
type WindowError struct {
	Records, MaxRecords int
	Bytes, MaxBytes     int
}

func (e *WindowError) Error() string {
	apart := ""
	if e.Records < e.MaxRecords && e.Bytes < e.MaxBytes {
		apart = ", or less where offsets are far apart"
	}
	return fmt.Sprintf("%d records (%d bytes) are not acknowledged and the window is %d records or %d bytes%s: "+
		"acknowledge with RPUSH acks <topic>:<partition>:<offset>, or ask for automatic acknowledgement with {\"sluice.ack\":\"auto\"}",
		e.Records, e.Bytes, e.MaxRecords, e.MaxBytes, apart)
}

// full tells whether the member's leases fill the window. Records to be lent again do not count: they
// are owed already.
func (w Window) full(s *Member) bool {
	return s.leases > 0 && s.leases == s.owed && w.brimming(s)
}

// brimming tells whether what the member owes fills its window: nothing but that is lent to it.
func (w Window) brimming(s *Member) bool {
	n := max(1, s.windows)
	return s.owed >= n*w.Records || s.owed > 0 && s.owedBytes >= n*w.Bytes
}

// room is how many more records the ledger may take.
func (w Window) room(l *Ledger) int {
	if l.tallies.bytes >= w.Bytes && l.Span() > 0 || len(l.reach.ahead) > 0 {
		return 0
	}
	return max(0, w.Records-l.Span())
}

// reach bounds how far apart the records of a ledger are: which of them are settled must fit into the metadata of a commit.
type reach struct {
	room    int             // bytes of the metadata, 0: no bound
	cost    int             // of the entries: see commitmeta.Cost
	before  int64           // offset of the entry that left last, -1 before the first one did
	ahead   []record.Record // fetched records that do not fit yet
	above   int             // settled entries
	changes uint64          // grows with each settlement
}

// Reach bounds the bytes of a commit's metadata that settled records may take, 0: no bound. Records that are here already
// stay.
func (l *Ledger) Reach(room int) { l.reach.room = room }

// fits tells whether a record may enter behind those that are here.
func (l *Ledger) fits(offset int64) bool {
	if l.reach.room == 0 || l.Span() == 0 {
		return true
	}
	last := l.entries[len(l.entries)-1].record.Offset
	return commitmeta.Fits(l.reach.room, offset-l.entries[l.head].record.Offset, l.reach.cost+commitmeta.Cost(offset-last))
}

// costOf is what an entry costs.
func (l *Ledger) costOf(i int) int {
	before := l.reach.before
	if i > l.head {
		before = l.entries[i-1].record.Offset
	}
	if before < 0 {
		return commitmeta.Cost(1)
	}
	return commitmeta.Cost(l.entries[i].record.Offset - before)
}

// push adds an entry.
func (l *Ledger) push(e entry) {
	l.entries = append(l.entries, e)
	l.reach.cost += l.costOf(len(l.entries) - 1)
}

// pop removes the first entry.
func (l *Ledger) pop() {
	l.reach.cost -= l.costOf(l.head)
	l.reach.before = l.entries[l.head].record.Offset
	l.reach.above--
	l.entries[l.head] = entry{}
	l.head++
}

// enterAhead lets records enter that fit now.
func (l *Ledger) enterAhead() {
	for len(l.reach.ahead) > 0 && l.fits(l.reach.ahead[0].Offset) {
		r := l.reach.ahead[0]
		l.reach.ahead[0], l.reach.ahead = record.Record{}, l.reach.ahead[1:]
		l.tallies.bytes -= r.Size()
		l.admit(r)
	}
}
