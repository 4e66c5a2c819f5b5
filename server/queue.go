package server

import (
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// SendWithin hands a record to a producer's queue, and waits for room until the given time. send is called when room
// says that the session has room; kafka.ErrFull makes it wait and try again. wait returns at the time it is given, or
// earlier when something has happened; its error ends the attempt.
//
// stayedFull says that no room came in time. The error is then the last answer of send, or nil where the session had
// too many records under way for a call of send.
func SendWithin(until time.Time, room func() bool, send func() error, wait func(time.Time) error) (stayedFull bool, err error) {
	retry := Retry{Until: until}
	for {
		var full error
		if room() {
			if full = send(); !errors.Is(full, kafka.ErrFull) {
				return false, full
			}
		}
		if retry.Over() {
			return true, full
		}
		if err := wait(retry.Next()); err != nil {
			return false, err
		}
	}
}

// retryInterval is the time between two attempts to get into a full queue: nobody is told when it has room.
const retryInterval = 5 * time.Millisecond

// Retry times a wait for something that wakes nobody: it has to be looked at again and again.
type Retry struct {
	Until time.Time // the end of the wait
	next  time.Time // when to look again
}

// Over tells whether the wait is over.
func (r *Retry) Over() bool { return !time.Now().Before(r.Until) }

// Next returns when to look again. The time stays the same until it has come, even if the waiter is woken earlier.
// Otherwise a waiter that sets a timer for it would never see it come.
func (r *Retry) Next() time.Time {
	if now := time.Now(); !now.Before(r.next) {
		r.next = now.Add(retryInterval)
	}
	if r.Until.Before(r.next) {
		return r.Until
	}
	return r.next
}
