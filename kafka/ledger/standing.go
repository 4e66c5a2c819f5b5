package ledger

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// StandingRecord is the record that holds back the commits of its partition: the lowest one that was lent and
// is not settled.
type StandingRecord struct {
	record.TopicPartition
	Offset   int64
	Attempts int           // how often it was lent
	Age      time.Duration // since it was lent first
	Holder   string        // the member that owes it; empty: it waits for somebody
	Trace    string        // the id of its trace; empty: it has none
}

// String names the record: topic:partition:offset.
func (r *StandingRecord) String() string {
	return r.TopicPartition.String() + ":" + strconv.FormatInt(r.Offset, 10)
}

const (
	// manyAttempts are more than an ordinary mishap takes: a record that has had them is shown and logged.
	manyAttempts = 5
	// A record that is logged is logged again when it has had moreAttempts times the attempts, or is as much older.
	moreAttempts = 10
)

// stands tells whether the record is worth a word.
func (r *StandingRecord) stands(limit time.Duration) bool {
	return r.Attempts >= manyAttempts || r.Age >= limit
}

// Standing is the record that the position waits for, if that was ever lent.
func (l *Ledger) Standing(now time.Time) (r StandingRecord, ok bool) {
	if l.Span() == 0 || l.entries[l.head].lends == 0 {
		return r, false
	}
	e := &l.entries[l.head]
	r = StandingRecord{
		TopicPartition: e.record.TopicPartition, Offset: e.record.Offset, Attempts: int(e.lends), Age: max(0, now.Sub(e.first)),
		Trace: e.record.Trace(),
	}
	if e.owner != nil {
		r.Holder = e.owner.Name
	}
	return r, true
}

// warning is what was said of a partition's standing record.
type warning struct {
	offset   int64
	attempts int
	age      time.Duration
}

// warn tells whether something is to be said of the record now, and remembers that it was said.
func (w *warning) warn(r *StandingRecord, limit time.Duration) bool {
	if !r.stands(limit) {
		return false
	}
	said := w.attempts > 0 && w.offset == r.Offset
	if said && r.Attempts < moreAttempts*w.attempts && r.Age < moreAttempts*max(w.age, limit) {
		return false
	}
	*w = warning{r.Offset, r.Attempts, r.Age}
	return true
}

// Standing lists the records that have stood for the limit, or were lent too often: the oldest first, at most so many.
func (d *Dispatch) Standing(now time.Time, limit time.Duration, most int) []StandingRecord {
	var all []StandingRecord
	for _, l := range d.partitions {
		if r, ok := l.ledger.Standing(now); ok && r.stands(limit) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b StandingRecord) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), a.Compare(b.TopicPartition))
	})
	return all[:min(len(all), most)]
}

// StandingToWarnOf lists those that nothing was said of yet, or that have got much worse since, and remembers them as said.
func (d *Dispatch) StandingToWarnOf(now time.Time, limit time.Duration, most int) (list []StandingRecord) {
	for _, l := range d.partitions {
		if r, ok := l.ledger.Standing(now); ok && len(list) < most && l.warned.warn(&r, limit) {
			list = append(list, r)
		}
	}
	return list
}

// Lease is a record in the hands of a member.
type Lease struct {
	record.TopicPartition
	Offset  int64
	Holder  string        // the member
	Age     time.Duration // since it was lent
	Attempt int           // 1 the first time
}

// leases adds what the members hold of the partition.
func (l *Ledger) leases(now time.Time, all []Lease) []Lease {
	for i := l.head; i < len(l.entries); i++ {
		if e := &l.entries[i]; e.state == leased {
			all = append(all, Lease{e.record.TopicPartition, e.record.Offset, e.owner.Name, max(0, now.Sub(e.at)), 1 + e.failing.count()})
		}
	}
	return all
}

// Leases lists what the members hold.
func (d *Dispatch) Leases(now time.Time) (all []Lease) {
	for _, l := range d.partitions {
		all = l.ledger.leases(now, all)
	}
	return all
}
