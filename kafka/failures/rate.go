package failures

import (
	"math"
	"slices"
	"time"
)

// Meter holds lending to a Rate: in no stretch of Per are more than Limit records lent. Windows with fixed ends, or a bucket
// of tokens, would lend up to twice as many around an end, or after a quiet time. The zero Meter has no bound. A Rate
// that is changed holds from then on, with what was lent before.
type Meter struct {
	Rate Rate

	lent []lent // in order of time; the oldest first
	sum  int
}

// lent is a number of records that count until Per after the last of them.
type lent struct {
	first, last time.Time
	records     int
}

// meterSteps is how many entries of a Meter a Per has. What is lent within a step counts until Per after the step's last
// record, so that a Meter is small and lends at least 99 % of Limit.
const meterSteps = 100

// Take returns how many of n records may be lent now, and counts them as lent.
func (m *Meter) Take(now time.Time, n int) int {
	if m.Rate.Limit == 0 {
		m.lent, m.sum = nil, 0
		return n
	}
	m.forget(now)
	n = max(0, min(n, m.Rate.Limit-m.sum))
	if n > 0 {
		m.count(now, n)
	}
	return n
}

// Room is how many records may be lent now.
func (m *Meter) Room(now time.Time) int {
	if m.Rate.Limit == 0 {
		return math.MaxInt
	}
	m.forget(now)
	return max(0, m.Rate.Limit-m.sum)
}

// Next is the earliest time at which a record may be lent; now, if that is now.
func (m *Meter) Next(now time.Time) time.Time {
	if m.Rate.Limit == 0 {
		return now
	}
	m.forget(now)
	left, next := m.sum, now
	for _, l := range m.lent {
		if left < m.Rate.Limit {
			break
		}
		left -= l.records
		next = l.last.Add(m.Rate.Per)
	}
	return next
}

func (m *Meter) count(now time.Time, n int) {
	m.sum += n
	if len(m.lent) > 0 {
		if newest := &m.lent[len(m.lent)-1]; now.Sub(newest.first) < m.Rate.Per/meterSteps {
			newest.records += n
			newest.last = now
			return
		}
	}
	m.lent = append(m.lent, lent{now, now, n})
}

// forget drops what was lent at least Per ago.
func (m *Meter) forget(now time.Time) {
	old := 0
	for old < len(m.lent) && now.Sub(m.lent[old].last) >= m.Rate.Per {
		m.sum -= m.lent[old].records
		old++
	}
	m.lent = slices.Delete(m.lent, 0, old)
}
