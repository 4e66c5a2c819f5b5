package systemd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// glance is the time between two looks at the beats. It is short so that a process that was stopped
// and goes on (SIGSTOP, a paused machine) pings again as soon as its loops do.
const glance = time.Second

// Watch looks at the beats until ctx ends. When there is a watchdog it pings at a third of its time, and
// only while no loop is late; so systemd aborts a process of which a part is stuck, and Go's runtime
// writes every goroutine to the log. A loop that has not moved for the watchdog's whole time ends the
// process at once, so that a large gap does not add to it.
//
// The status names the late loops, and late, which is for the log, is called with them whenever their
// names change: with none when all are well again.
func (n *Notifier) Watch(ctx context.Context, beats *Beats, late func([]Age)) {
	w := watch{notifier: n, beats: beats, report: late}
	interval := glance
	if n.watchdog > 0 {
		interval = min(glance, n.watchdog/3)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		w.look()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Watched reports whether the service manager waits for pings of this process.
func (n *Notifier) Watched() bool { return n.watchdog > 0 }

// watch is what Watch remembers between two looks.
type watch struct {
	notifier *Notifier
	beats    *Beats
	report   func([]Age)

	late   []Age // at the last look
	pinged time.Time
}

func (w *watch) look() {
	before := w.late
	w.late = w.beats.Late()
	if !slices.EqualFunc(before, w.late, func(x, y Age) bool { return x.Loop == y.Loop }) {
		w.notifier.alarm(stuck(w.late))
		w.report(w.late)
	}
	switch watchdog := w.notifier.watchdog; {
	case watchdog == 0:
	case len(w.late) == 0:
		w.ping(watchdog / 3)
	case len(before) > 0 && longest(w.late) >= watchdog:
		// Seen late before: not a process that was stopped as a whole and has just come back.
		w.notifier.send("WATCHDOG=trigger")
	}
}

// ping sends one when the last is about interval old.
func (w *watch) ping(interval time.Duration) {
	now := w.beats.now()
	if !w.pinged.IsZero() && now.Sub(w.pinged) < interval-glance/2 {
		return
	}
	w.pinged = now
	w.notifier.send(daemon.SdNotifyWatchdog)
}

// stuck is the line for `systemctl status`.
func stuck(late []Age) string {
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
