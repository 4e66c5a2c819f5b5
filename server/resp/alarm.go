package resp

import (
	"sync"
	"time"
)

// alarm calls ring at a time that is set anew for almost every command, mostly to one further away. So its timer is
// moved only to fire sooner; when it fires too early it is set to what is left. To move a timer of the runtime's for
// each command wakes a thread that has nothing to do. The zero alarm never rings.
type alarm struct {
	ring func()

	mu    sync.Mutex  // guards what follows
	at    time.Time   // when to ring; zero for never
	next  time.Time   // when the timer fires; zero when it does not run
	timer *time.Timer // made when it is first needed
}

// set changes when it rings; zero for never. What has rung already may still be under way.
func (a *alarm) set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = at
	if !at.IsZero() && (a.next.IsZero() || at.Before(a.next)) {
		a.start()
	}
}

// start has the timer fire when it is time. The lock is held.
func (a *alarm) start() {
	a.next = a.at
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Until(a.at), a.fire)
		return
	}
	a.timer.Reset(time.Until(a.at))
}

func (a *alarm) fire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = time.Time{}
	switch {
	case a.at.IsZero():
	case time.Now().Before(a.at):
		a.start()
	default:
		a.ring()
	}
}

// stop ends it for good.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = time.Time{}
	if a.timer != nil {
		a.timer.Stop()
	}
}
