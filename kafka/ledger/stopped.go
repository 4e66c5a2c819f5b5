package ledger

import "time"

// StopReason is why records that have failed keep a partition from lending new ones.
type StopReason string

// The reasons.
const (
	// StopLetter: a dead letter cannot be written.
	StopLetter StopReason = "dead_letter"
	// StopCrowded: so many records wait that they take a quarter of the window, or more have failed than are remembered.
	StopCrowded StopReason = "crowded"
	// StopWindow: the window is full, and the record at its front waits.
	StopWindow StopReason = "window"
	// StopRetry: the others wait until a failed record is tried again, as on_error: partition wants it.
	StopRetry StopReason = "retry"
)

// Stop is what keeps a partition from lending new records.
type Stop struct {
	Reason  StopReason
	Record  FailingRecord // that the others wait for
	Held    int           // records that wait
	Failing int           // records that have failed
}

// Stopped tells whether records that have failed keep new ones from being lent.
func (l *Ledger) Stopped(now time.Time) (s Stop, is bool) {
	s.Held, s.Failing = l.tallies.waiting+l.tallies.dying, l.tallies.failing
	var e *entry
	switch {
	case l.halted:
		s.Reason, e = StopLetter, l.lowest(func(e *entry) bool { return e.state == dying })
	case l.crowded():
		s.Reason, e = StopCrowded, l.longestWaitedFor()
	case len(l.queue.barriers) > 0:
		s.Reason, e = StopRetry, l.find(l.queue.barriers[0])
		if e == nil || e.state != dying && !e.waitsBeyond(now) {
			return s, false // its time has come: it is lent to whoever asks
		}
	case l.Span() > 0 && l.tallies.ready == 0 && l.rules.window.room(l) == 0:
		s.Reason, e = StopWindow, &l.entries[l.head]
		if e.state != dying && !e.waitsBeyond(now) {
			return s, false
		}
	default:
		return s, false
	}
	if e != nil {
		s.Record = e.asFailing()
	}
	return s, true
}

func (e *entry) waitsBeyond(now time.Time) bool {
	return e.state == waiting && e.failing.waits() && e.failing.due.After(now)
}

// longestWaitedFor is the record for which most others of its key wait, or the lowest that has failed.
func (l *Ledger) longestWaitedFor() *entry {
	var longest *keyLine
	for _, line := range l.keys {
		if n := len(line.behind); n > 0 && (longest == nil || n > len(longest.behind) || n == len(longest.behind) && line.first < longest.first) {
			longest = line
		}
	}
	if longest != nil {
		return l.find(longest.first)
	}
	return l.lowest(func(e *entry) bool { return e.failing != nil })
}

func (l *Ledger) lowest(is func(*entry) bool) *entry {
	for i := l.head; i < len(l.entries); i++ {
		if is(&l.entries[i]) {
			return &l.entries[i]
		}
	}
	return nil
}
