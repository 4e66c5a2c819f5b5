package systemd

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// statusPause is the least time between two messages that bring only a status.
	statusPause = time.Second
	// statusLength bounds a status in bytes: systemd ignores a message longer than 4096 altogether
	// (NOTIFY_BUFFER_MAX), and one line is for reading.
	statusLength = 512
)

// statusLine is what `systemctl status` shows behind "Status:".
type statusLine struct {
	text  string // what was asked for last
	alarm string // goes above text while it is not empty
	shown string // what systemd knows
	sent  time.Time
	timer *time.Timer // runs while something is held back
}

func (l *statusLine) wanted() string {
	if l.alarm != "" {
		return l.alarm
	}
	return l.text
}

// Status sets the line of `systemctl status`. It is sent when it changed, at most once a second; what
// comes faster waits, and the last text always arrives.
func (n *Notifier) Status(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.text = oneLine(text)
	n.refresh()
}

// alarm shows text above every status until it is empty again.
func (n *Notifier) alarm(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.alarm = oneLine(text)
	n.refresh()
}

// refresh sends the line, now or when its turn comes; n.mu is held.
func (n *Notifier) refresh() {
	l := &n.line
	if n.address == "" || l.wanted() == l.shown || l.timer != nil {
		return
	}
	if wait := time.Until(l.sent.Add(statusPause)); wait > 0 {
		var timer *time.Timer
		timer = time.AfterFunc(wait, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			if l.timer == timer { // not stopped while it waited for the lock
				n.flush()
			}
		})
		l.timer = timer
		return
	}
	n.sendStatus("")
}

// flush sends what is held back; n.mu is held.
func (n *Notifier) flush() {
	if n.line.timer == nil {
		return
	}
	if n.line.wanted() != n.line.shown {
		n.sendStatus("")
		return
	}
	n.line.stop()
}

// sendStatus sends fields, if any, and the line; n.mu is held.
func (n *Notifier) sendStatus(fields string) {
	l := &n.line
	l.stop()
	l.shown, l.sent = l.wanted(), time.Now()
	n.deliver(strings.TrimPrefix(fields+"\nSTATUS="+l.shown, "\n"))
}

func (l *statusLine) stop() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// oneLine makes text fit for a STATUS= field. A newline would begin another field, and systemd ignores
// what is not UTF-8.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\n", "; ") // errors.Join
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= statusLength {
		return text
	}
	const more = "..."
	cut := statusLength - len(more)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}
