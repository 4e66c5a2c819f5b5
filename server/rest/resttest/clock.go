package resttest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Clock is the lenders' clock. It runs, and can be set forward.
type Clock struct {
	Ahead atomic.Int64 // nanoseconds

	mu     sync.Mutex // guards timers
	timers map[*timer]bool
}

// StartWithClock opens a door whose leases have a clock that can be set forward.
func StartWithClock(t *testing.T) (*Sluice, *Clock) {
	c := &Clock{timers: map[*timer]bool{}}
	return Start(t, exchange.Options{Clock: c}), c
}

func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.Ahead.Load())) }

// Forward sets the clock forward, and fires all timers: who waits for one looks at the clock.
func (c *Clock) Forward(d time.Duration) {
	c.Ahead.Add(int64(d))
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.timers {
		t.fire()
	}
}

func (c *Clock) NewTimer(d time.Duration) server.Timer {
	t := &timer{clock: c, fired: make(chan time.Time, 1)}
	t.after = time.AfterFunc(d, t.fire)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers[t] = true
	return t
}

// timer fires when its time is over, and when its clock is set forward. A Reset takes nothing back: the clock may have
// been set forward just before.
type timer struct {
	after *time.Timer
	clock *Clock
	fired chan time.Time
}

func (t *timer) fire() {
	select {
	case t.fired <- t.clock.Now():
	default:
	}
}

func (t *timer) C() <-chan time.Time { return t.fired }

func (t *timer) Reset(d time.Duration) bool { return t.after.Reset(d) }

func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	delete(t.clock.timers, t)
	return t.after.Stop()
}
