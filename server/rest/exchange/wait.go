package exchange

import (
	"net/http"
	"time"
)

// Park moves a request that waits for records from the requests that are being answered to those that wait. Many may
// wait, and do not keep others from producing. The caller calls back when the request goes on.
func (x *Exchange) Park() (back func(), err error) {
	if n := x.Waiting.Add(1); int(n) > x.Opts.MaxWaiting {
		x.Waiting.Add(-1)
		return nil, Unavailable("too many requests wait for records")
	}
	x.Answering.Add(-1)
	x.ClearReadDeadline()
	return func() {
		x.Waiting.Add(-1)
		x.Answering.Add(1)
	}, nil
}

// ClearReadDeadline ends the deadline for the body. While the answer is awaited, net/http reads in the background to
// notice a client that hangs up, and would take the deadline for that.
func (x *Exchange) ClearReadDeadline() {
	_ = http.NewResponseController(x.W).SetReadDeadline(time.Time{})
}
