package rest

import (
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// want is what somebody would like to be lent.
type want struct {
	limit   int // records
	bytes   int // about
	timeout time.Duration
	unacked bool // settled when it is lent
}

// waiter is a request that waits for records. Who gives it some, or an error, takes it out of its queue.
type waiter struct {
	asked  want
	holder *holder // of a stream
	most   int     // leases that the holder may have
	ready  chan struct{}

	// Guarded by the lender's mu while it is queued, the request's own when ready has rung.
	queued     bool
	next, prev *waiter
	parcel     *parcel
	err        error
}

func newWaiter(w want) *waiter { return &waiter{asked: w, ready: make(chan struct{}, 1)} }

// want is what the waiter may be lent now: its holder's leases may have ended since it asked, and never
// become more while it waits.
func (w *waiter) want() want {
	asked := w.asked
	if w.holder != nil {
		asked.limit = min(asked.limit, w.most-w.holder.leases)
	}
	return asked
}

// answer ends the wait.
func (w *waiter) answer(p *parcel, err error) {
	w.parcel, w.err = p, err
	w.ready <- struct{}{}
}

// take is what the waiter was given, after ready.
func (w *waiter) take() (*parcel, error) {
	p := w.parcel
	w.parcel = nil
	return p, w.err
}

// queue are waiters, first come first served. Leaving costs the same wherever one stands.
type queue struct{ first, last *waiter }

func (q *queue) push(w *waiter) {
	w.queued, w.prev, w.next = true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *queue) pop() *waiter {
	w := q.first
	q.remove(w)
	return w
}

func (q *queue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
}

// parcel is some records on their way to one worker, and their leases, none where they need none.
type parcel struct {
	lent   []kafka.Delivery
	leases []leaseID
}

// parcels are used again: idle streams and waiting requests have none.
var parcels = sync.Pool{New: func() any { return &parcel{} }}

func newParcel() *parcel {
	p, _ := parcels.Get().(*parcel)
	return p
}

// free gives the parcel back. Its records' bytes belong to their partition's book, not to it.
func (p *parcel) free() {
	clear(p.lent)
	p.lent, p.leases = p.lent[:0], p.leases[:0]
	parcels.Put(p)
}
