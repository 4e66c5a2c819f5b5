package systemd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// checkInterval is the longest time between two checks of the beats. It is short, so that a process pings again soon
// after it was stopped as a whole (SIGSTOP, a paused machine).
const checkInterval = time.Second

// Watch checks the beats until ctx ends. With a watchdog it pings at a third of the watchdog's time, while no loop is
// late. So systemd aborts a process with a stuck loop, and Go's runtime writes all goroutines to the log. A loop that is
// late for the watchdog's whole time ends the process at once, so that its gap does not add to that time.
//
// The status line names the late loops. Watch calls late whenever their names change, with none when no loop is late any
// more.
func (n *Notifier) Watch(ctx context.Context, beats *Beats, late func([]Age)) {
	w := watch{notifier: n, beats: beats, report: late}
	interval := checkInterval
	if n.watchdog > 0 {
		interval = min(checkInterval, n.watchdog/3)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		w.check()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Watched reports whether the service manager expects pings of this process.
func (n *Notifier) Watched() bool { return n.watchdog > 0 }

// watch is the state of Watch.
type watch struct {
	notifier *Notifier
	beats    *Beats
	report   func([]Age)

	late   []Age // at the last check
	pinged time.Time
}

// check reads the beats once, and reports and pings.
func (w *watch) check() {
	before := w.late
	w.late = w.beats.Late()
	if !slices.EqualFunc(before, w.late, func(x, y Age) bool { return x.Loop == y.Loop }) {
		w.notifier.alarm(stuckText(w.late))
		w.report(w.late)
	}
	switch watchdog := w.notifier.watchdog; {
	case watchdog == 0:
	case len(w.late) == 0:
		w.ping(watchdog / 3)
	case len(before) > 0 && longest(w.late) >= watchdog:
		// The loop was late at the last check too. A process that was stopped as a whole finds its loops late only once.
		w.notifier.send("WATCHDOG=trigger")
	}
}

// ping sends a ping if the last one is about interval old.
func (w *watch) ping(interval time.Duration) {
	now := w.beats.now()
	if !w.pinged.IsZero() && now.Sub(w.pinged) < interval-checkInterval/2 {
		return
	}
	w.pinged = now
	w.notifier.send(daemon.SdNotifyWatchdog)
}

// stuckText returns the line for `systemctl status`.
func stuckText(late []Age) string {
	switch len(late) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("stuck: %s made no progress for %v", late[0].Loop, late[0].Gap)
	}
	return fmt.Sprintf("stuck: %s and %d more made no progress for %v", late[0].Loop, len(late)-1, late[0].Gap)
}

func longest(ages []Age) time.Duration {
	var longest time.Duration
	for _, a := range ages {
		longest = max(longest, a.Age)
	}
	return longest
}
