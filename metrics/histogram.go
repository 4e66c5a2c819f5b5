// Package metrics counts events by their outcome, with a histogram of their durations.
package metrics

import (
	"sync/atomic"
	"time"
)

// bounds are the upper limits of a Histogram's buckets. They reach from a record that finds its broker idle to the
// longest wait of a caller. One more bucket takes what is above.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
}

// Histogram counts durations by size. The zero value is ready. Any goroutine may call its methods; none of them waits.
type Histogram struct {
	counts [len(bounds) + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// Observe counts n events that took d each.
func (h *Histogram) Observe(d time.Duration, n int64) {
	h.counts[bucket(d)].Add(uint64(n))
	h.sum.Add(int64(d) * n)
}

// bucket is the index of the bucket that a duration belongs to.
func bucket(d time.Duration) int {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	return i
}

// Distribution is a reading of a Histogram.
type Distribution struct {
	Count   uint64             // events
	Sum     float64            // of their durations, in seconds
	Buckets map[float64]uint64 // events by their longest duration in seconds; each bucket includes the smaller ones
}

// Read takes a reading. An event that is counted meanwhile may be in one figure and missing in another.
func (h *Histogram) Read() Distribution {
	d := Distribution{Buckets: make(map[float64]uint64, len(bounds)), Sum: time.Duration(h.sum.Load()).Seconds()}
	for i := range h.counts {
		d.Count += h.counts[i].Load()
		if i < len(bounds) {
			d.Buckets[bounds[i].Seconds()] = d.Count
		}
	}
	return d
}
