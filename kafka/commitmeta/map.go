package commitmeta

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Map is what is known of records above a committed offset.
type Map struct {
	Above   []Range   // settled offsets above it, in order, apart from each other
	Failing []Failing // in order of offset
	Log     string    // id of the topic, empty when it is not known
	At      time.Time // when the map was written, by the clock of who wrote it
}

// Range is the offsets from From up to, but not including, To. Offsets without a record may be among them.
type Range struct{ From, To int64 }

// Failing is a record that has failed, or whose clients have died, and is not settled.
type Failing struct {
	Offset   int64
	Failures int       // how often a client could not process it, or did not settle it in its time
	Deaths   int       // how many clients have ended while they held it
	First    time.Time // when that happened for the first time; in a map, to the second
	Due      time.Time // it is not lent before; the zero time: at once. In a map, to the millisecond
}

// Attempts is how many attempts have ended without success.
func (f *Failing) Attempts() int { return f.Failures + f.Deaths }

// Empty tells whether a map says nothing.
func (m *Map) Empty() bool { return len(m.Above)+len(m.Failing) == 0 }

// Rebase bounds the times of failing records by the clock of the reader. A record waits no longer than was left when the
// map was written. It failed first at the latest now.
func (m *Map) Rebase(now time.Time) {
	for i := range m.Failing {
		f := &m.Failing[i]
		if f.First.After(now) {
			f.First = now
		}
		if most := now.Add(f.Due.Sub(m.At)); !f.Due.IsZero() && f.Due.After(most) {
			f.Due = most
		}
	}
}

// Merge is what either of two lists of ranges holds.
func Merge(a, b []Range) []Range {
	var all []Range
	for len(a)+len(b) > 0 {
		if len(a) == 0 || len(b) > 0 && b[0].From < a[0].From {
			a, b = b, a
		}
		all, a = Join(all, a[0]), a[1:]
	}
	return all
}

// MergeFailing is what either of two lists holds. Of a record in both, the one with more failures and deaths counts.
func MergeFailing(a, b []Failing) []Failing {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y Failing) int {
		return cmp.Or(cmp.Compare(x.Offset, y.Offset), cmp.Compare(y.Failures+y.Deaths, x.Failures+x.Deaths))
	})
	return slices.CompactFunc(all, func(x, y Failing) bool { return x.Offset == y.Offset })
}

// Join adds a range that begins behind the beginning of all others.
func Join(to []Range, r Range) []Range {
	if n := len(to); n > 0 && r.From <= to[n-1].To {
		to[n-1].To = max(to[n-1].To, r.To)
		return to
	}
	return append(to, r)
}

// Limit is the longest text that brokers take unless they are told otherwise (offset.metadata.max.bytes), in characters.
const Limit = 4096

// MostRecords is the largest window of a log without gaps whose map always fits into Limit.
const MostRecords = 15_000

const (
	prefix = "sluice1:"
	// headBytes is what a map takes besides its bitmap or runs, and besides its failing records.
	headBytes = 1 + 6 + 16 + 5 + 2 + 2
	// failingBytes is what a failing record takes at most: see appendFailing.
	failingBytes = 5 + 2 + 2 + 4 + 5
	// failingKept is how many failing records always fit into Limit.
	failingKept = 64
)

// payload is how many bytes fit into a text of so many characters.
func payload(limit int) int { return max(0, limit-len(prefix)) * 3 / 4 }

// kept is how many failing records always fit.
func kept(limit int) int { return failingKept * max(0, limit) / Limit }

// Room is how many bytes of a text the settled offsets may take, so that failing records have room as well. 0 says that a
// text is too short for a map.
func Room(limit int) int {
	return max(0, payload(limit)-headBytes-kept(limit)*failingBytes)
}

// Cost is at most what a record adds to the runs of a map, in bytes: the record comes so many offsets behind the one before.
//
// A run and the gap before it take two numbers. Each is at most a sum of distances. The distance counts twice, because the
// sum of two numbers may need a byte more than either.
func Cost(distance int64) int {
	return size(uint64(max(1, min(distance, math.MaxInt64/2))) << 1)
}

// Fits tells whether the map of records fits into room, whichever of them are settled. They span so many offsets, and cost
// is the sum of their costs.
func Fits(room int, span int64, cost int) bool {
	return span/8+1 <= int64(room) || cost <= room
}

// size is the length of a varint in bytes.
func size(n uint64) int {
	bytes := 1
	for ; n >= 1<<7; n >>= 7 {
		bytes++
	}
	return bytes
}
