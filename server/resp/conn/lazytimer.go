package conn

import (
	"sync"
	"time"
)

// lazyTimer calls fire at a time that is set anew for almost every command, mostly to a later one. So its timer is only
// moved to run out sooner; when it runs out too early it is set to the rest. To move a timer of the runtime for each
// command would wake a thread that has nothing to do. The zero time never comes.
type lazyTimer struct {
	fire func()

	mu    sync.Mutex  // guards what follows
	at    time.Time   // when to fire; zero for never
	next  time.Time   // when the timer runs out; zero when it does not run
	timer *time.Timer // made when it is first needed
}

// set changes when to fire; the zero time is never. A call of fire may still be under way.
func (l *lazyTimer) set(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	if !at.IsZero() && (l.next.IsZero() || at.Before(l.next)) {
		l.start()
	}
}

// start makes the timer run out at the time to fire. The lock is held.
func (l *lazyTimer) start() {
	l.next = l.at
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Until(l.at), l.ranOut)
		return
	}
	l.timer.Reset(time.Until(l.at))
}

func (l *lazyTimer) ranOut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = time.Time{}
	switch {
	case l.at.IsZero():
	case time.Now().Before(l.at):
		l.start()
	default:
		l.fire()
	}
}

// stop ends the timer for good.
func (l *lazyTimer) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = time.Time{}
	if l.timer != nil {
		l.timer.Stop()
	}
}
