package metrics

import (
	"slices"
	"sync/atomic"
	"time"
)

// Endings is how many ways an event may end.
const Endings = 6

// Meter counts the events of one kind. The zero value is ready. Any goroutine may call its methods.
type Meter struct {
	ended   [Endings]atomic.Int64
	latency Histogram
}

// Count counts n events that ended in one way.
func (m *Meter) Count(ending int, n int64) {
	if n > 0 {
		m.ended[ending].Add(n)
	}
}

// Took counts how long n events took, each of them d.
func (m *Meter) Took(d time.Duration, n int64) { m.latency.Observe(d, n) }

// Batch are events that are not in a Meter yet. One goroutine may use it. The zero value is empty.
type Batch struct {
	ended  [Endings]int64
	counts [len(bounds) + 1]uint64
	sum    time.Duration
}

// Add counts an event that took d.
func (b *Batch) Add(ending int, d time.Duration) {
	b.ended[ending]++
	b.counts[bucket(d)]++
	b.sum += d
}

// AddBatch counts the events of a batch.
func (m *Meter) AddBatch(b *Batch) {
	for ending, n := range b.ended {
		m.Count(ending, n)
	}
	for i, n := range b.counts {
		if n > 0 {
			m.latency.counts[i].Add(n)
		}
	}
	m.latency.sum.Add(int64(b.sum))
}

// Reading is what a Meter has counted.
type Reading struct {
	Ended   [Endings]int64 // events by how they ended
	Latency Distribution
}

func (m *Meter) read() (r Reading) {
	for i := range m.ended {
		r.Ended[i] = m.ended[i].Load()
	}
	r.Latency = m.latency.Read()
	return r
}

// Meters has a meter for each kind of event. The kinds never change, so no lock is needed.
type Meters[Kind comparable] map[Kind]*Meter

// NewMeters makes a meter for each kind.
func NewMeters[Kind comparable](kinds ...Kind) Meters[Kind] {
	meters := Meters[Kind]{}
	for _, kind := range kinds {
		meters[kind] = &Meter{}
	}
	return meters
}

// Rows makes a row of each meter that has counted anything, and sorts the rows.
func Rows[Kind comparable, Row any](meters Meters[Kind], row func(Kind, Reading) Row, order func(a, b Row) int) []Row {
	var rows []Row
	for kind, meter := range meters {
		if r := meter.read(); r.Ended != [Endings]int64{} {
			rows = append(rows, row(kind, r))
		}
	}
	slices.SortFunc(rows, order)
	return rows
}
