package lender

import (
	"time"

	"github.com/sluice-proxy/sluice/server"
)

// Limits bound what a worker is lent at once.
type Limits struct {
	Records int
	Bytes   int // about: one record comes whatever its size
	Timeout time.Duration
	Unacked bool // the records need no acknowledgement
}

// Quota bounds the leases that one stream holds.
type Quota struct {
	Freed server.Bell // rings when a lease has ended

	most   int
	leases int // guarded by the Lender's mu
}

// NewQuota makes a quota of so many leases.
func NewQuota(most int) *Quota { return &Quota{Freed: server.NewBell(), most: most} }

// Waiter is a request that waits for records.
type Waiter struct {
	Ready server.Bell // rings when the wait is over: call Take

	limits Limits
	quota  *Quota // of a stream; nil for a list

	// The Lender's mu guards these while the waiter is queued; after Ready they are the request's own.
	queued     bool
	next, prev *Waiter
	batch      *Batch
	err        error
}

// NewWaiter makes a waiter. A stream gives its quota; nil is none.
func NewWaiter(limits Limits, quota *Quota) *Waiter {
	return &Waiter{Ready: server.NewBell(), limits: limits, quota: quota}
}

// allowed returns what the waiter may be lent now. Leases of its stream may have ended since it asked; none were added
// while it waits.
func (w *Waiter) allowed() Limits {
	limits := w.limits
	if w.quota != nil {
		limits.Records = min(limits.Records, w.quota.most-w.quota.leases)
	}
	return limits
}

// answer ends the wait. The caller has taken the waiter out of its queue.
func (w *Waiter) answer(b *Batch, err error) {
	w.batch, w.err = b, err
	w.Ready.Ring()
}

// Take returns what the waiter was lent. Call it once after Ready.
func (w *Waiter) Take() (*Batch, error) {
	b := w.batch
	w.batch = nil
	return b, w.err
}

// queue holds waiters: first come, first served. Leaving costs the same at every place of the queue.
type queue struct{ first, last *Waiter }

func (q *queue) push(w *Waiter) {
	w.queued, w.prev, w.next = true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *queue) pop() *Waiter {
	w := q.first
	q.remove(w)
	return w
}

func (q *queue) remove(w *Waiter) {
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
