package systemd

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// statusPause is the least time between two messages that have only a status.
	statusPause = time.Second
	// statusLength bounds a status, in bytes. systemd ignores messages above 4096 bytes (NOTIFY_BUFFER_MAX), and people
	// read the line.
	statusLength = 512
)

// statusLine is what `systemctl status` shows behind "Status:".
type statusLine struct {
	text  string // the last status
	alarm string // replaces text while it is not empty
	shown string // what systemd shows
	sent  time.Time
	timer *time.Timer // runs while a status waits
}

func (l *statusLine) wanted() string {
	if l.alarm != "" {
		return l.alarm
	}
	return l.text
}

// Status sets the line of `systemctl status`. A changed line is sent at most once a second. The last text always
// arrives.
func (n *Notifier) Status(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.text = oneLine(text)
	n.refresh()
}

// alarm shows text in place of every status, until a call with an empty text.
func (n *Notifier) alarm(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.alarm = oneLine(text)
	n.refresh()
}

// refresh sends the line, now or after statusPause; the caller holds n.mu.
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
			if l.timer == timer { // nobody stopped the timer while this function waited for the lock
				n.flush()
			}
		})
		l.timer = timer
		return
	}
	n.sendStatus("")
}

// flush sends a status that waits; the caller holds n.mu.
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

// sendStatus sends fields, if there are any, and the line; the caller holds n.mu.
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

// oneLine makes a text valid for a STATUS= field. A newline would begin another field, and systemd ignores text that is
// not UTF-8.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\n", "; ") // errors.Join separates with newlines
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
