package kafka

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// heap says how much of the C heap may be in use before answers to fetches are held back: what is used by others, and
// the budget of fetched records with a quarter on top, or a little more. Looks at partitions come late where fifty consumers are answered at
// the same moment; the heap tells the truth.
type heap struct {
	others int64 // bytes that are not for fetched records
	bound  int64
	looked time.Time
}

const (
	heapInterval = time.Second
	heapGrowth   = 32 << 20 // bytes a second that others are believed to take more: it may be records that nobody has counted yet
	heapSlack    = 64 << 20 // what is used by others comes and goes
)

// see notes how much is used, and how much of it fetched records are known to hold.
func (h *heap) see(now time.Time, used, held, limit int64) {
	others := max(0, used-held)
	if !h.looked.IsZero() {
		others = min(others, h.others+int64(heapGrowth*min(now.Sub(h.looked), time.Hour).Seconds()))
	}
	h.others, h.looked, h.bound = others, now, others+limit+max(limit/4, heapSlack)
}

// bound reads it, looking at the heap when that was long ago.
func (m *memory) bound() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.heap.looked) >= heapInterval {
		m.budget.count()
		m.heap.see(now, librdkafka.HeapInUse(), m.budget.held, m.budget.limit)
	}
	return m.heap.bound
}
