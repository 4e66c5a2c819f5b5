// Package patience tells clients that read slowly from those that do not read.
package patience

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reading tells whether a client goes on reading while a write waits for it. That the socket takes bytes is not enough: it
// takes more only once a third of its buffer is free. That may be a megabyte, and minutes of a slow client. So what the
// kernel still holds for the client is looked at as well. The zero value has not looked yet.
type Reading struct {
	looked bool
	held   int // bytes that the client's side had not confirmed at the last look
	silent int // looks in a row without progress
}

// looks is how often a client has to be found not to read before it is cut. A process that stood still looks once.
const looks = 4

// LookEvery is the time between two looks at a client that must read something within the limit.
func LookEvery(limit time.Duration) time.Duration { return max(limit/looks, time.Millisecond) }

// Stopped takes a look: how many bytes the kernel holds, and whether the socket took some since the last look. It returns
// true once the client has read nothing for the limit.
func (r *Reading) Stopped(held int, took bool) bool {
	if took || !r.looked || held < r.held {
		r.silent = 0
	} else {
		r.silent++
	}
	r.looked, r.held = true, held
	return r.silent >= looks
}

// Held is how many sent bytes the kernel holds, because the other side has not confirmed them (SIOCOUTQ, tcp(7)).
func Held(raw syscall.RawConn) int {
	held := 0
	_ = raw.Control(func(fd uintptr) { held, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return held
}
