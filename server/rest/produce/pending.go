package produce

import (
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Pending is a record whose result is not written yet.
type Pending struct {
	Line       int64
	Failure    *exchange.Failure // why it was not sent; nil if it was
	until      time.Time
	Key, Value Data // for version 3
}

// windowRecords bounds the records of one stream whose results are not written yet.
const windowRecords = 1000

// window is a ring of the records whose results are not written yet, the oldest first.
type window struct {
	ring  []Pending
	first int
	n     int
}

func newWindow() window { return window{ring: make([]Pending, windowRecords)} }

func (w *window) isFull() bool { return w.n == len(w.ring) }

// push adds a record to a window that is not full.
func (w *window) push(p Pending) *Pending {
	last := &w.ring[(w.first+w.n)%len(w.ring)]
	*last = p
	w.n++
	return last
}

// drop takes the newest record back.
func (w *window) drop() { w.n-- }

// oldest returns the record that came first. The window is not empty.
func (w *window) oldest() *Pending { return &w.ring[w.first] }

// shift removes the oldest record.
func (w *window) shift() { w.first, w.n = (w.first+1)%len(w.ring), w.n-1 }

// sent returns how many of the records were sent.
func (w *window) sent() (n int) {
	for i := range w.n {
		if w.ring[(w.first+i)%len(w.ring)].Failure == nil {
			n++
		}
	}
	return n
}
