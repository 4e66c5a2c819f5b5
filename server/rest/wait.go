package rest

import (
	"net/http"
	"time"
)

// park takes a request that waits for records out of those that are being answered: many may wait, and do not keep
// others from producing. The caller calls back when the request goes on.
func (x *exchange) park() (back func(), err error) {
	if n := x.waiting.Add(1); int(n) > x.opts.MaxWaiting {
		x.waiting.Add(-1)
		return nil, unavailable("too many requests wait for records")
	}
	x.answering.Add(-1)
	x.clearReadDeadline()
	return func() {
		x.waiting.Add(-1)
		x.answering.Add(1)
	}, nil
}

// clearReadDeadline ends the deadline for the body. While the answer is awaited, net/http reads in the background to
// notice a client that hangs up, and would take the deadline for that.
func (x *exchange) clearReadDeadline() {
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{})
}
