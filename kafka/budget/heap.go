package budget

import (
	"time"
)

// Heap says how much of the C heap may be in use before answers to fetches are held back: what is used by others, and
// the budget of fetched records with a quarter on top, or a little more. Looks at partitions come late where fifty consumers are answered at
// the same moment; the heap tells the truth.
type Heap struct {
	others int64 // bytes that are not for fetched records
	bound  int64
	looked time.Time
}

const (
	heapInterval = time.Second
	heapGrowth   = 32 << 20 // bytes a second that others are believed to take more: it may be records that nobody has counted yet
	heapSlack    = 64 << 20 // what is used by others comes and goes
)

// Observe notes how much is used, and how much of it fetched records are known to hold.
func (h *Heap) Observe(now time.Time, used, held, limit int64) {
	others := max(0, used-held)
	if !h.looked.IsZero() {
		others = min(others, h.others+int64(heapGrowth*min(now.Sub(h.looked), time.Hour).Seconds()))
	}
	h.others, h.looked, h.bound = others, now, others+limit+max(limit/4, heapSlack)
}

// Due tells whether the heap is to be looked at again.
func (h *Heap) Due(now time.Time) bool { return now.Sub(h.looked) >= heapInterval }

// Limit is how many bytes of the heap may be in use.
func (h *Heap) Limit() int64 { return h.bound }
