package logging

import (
	"log/slog"
	"sync"
	"time"
)

// The bounds of repeated lines. Windows of one kind double while it repeats. So it costs about ten lines in its first
// minute and two in each later one.
const (
	burstLines  = 5                // lines of one kind in its first window
	firstWindow = 10 * time.Second // the length of the first window
	maxWindow   = time.Minute      // the length that windows grow to
	maxKinds    = 1000             // above the number of messages in the program; further kinds share one window
)

// limiter lets the first lines of a kind through and holds back the rest of a window. A kind is a level with a message.
//
// At the end of a window the limiter writes the last line it held back, with the number of the others as "suppressed".
// So shown lines and numbers add up to all lines. Lines of level debug are never held back.
type limiter struct {
	write func(slog.Record) // must not wait

	mu      sync.Mutex // guards what follows
	windows map[kind]*window
	closed  bool
}

type kind struct {
	level   slog.Level
	message string
}

// window is the present window of one kind. The limiter forgets a kind when its window ends with nothing held back.
type window struct {
	length time.Duration
	left   int   // lines that may still pass
	held   int64 // lines held back
	last   slog.Record
	end    *time.Timer
}

func newLimiter(write func(slog.Record)) *limiter {
	return &limiter{write: write, windows: map[kind]*window{}}
}

// Allow reports whether a line may be written now. If not, Allow counts the line and keeps the result of record, since
// the last line of a window is written at its end.
func (l *limiter) Allow(level slog.Level, message string, record func() slog.Record) bool {
	if level < slog.LevelInfo {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	w := l.window(kind{level, message})
	if w.left > 0 {
		w.left--
		return true
	}
	w.held++
	w.last = record()
	return false
}

// window returns the window of a kind, a new one if there is none.
func (l *limiter) window(k kind) *window {
	if _, known := l.windows[k]; !known && len(l.windows) >= maxKinds {
		k.message = ""
	}
	w, known := l.windows[k]
	if !known {
		w = &window{length: firstWindow, left: burstLines}
		w.end = time.AfterFunc(firstWindow, func() { l.endWindow(k) })
		l.windows[k] = w
	}
	return w
}

// endWindow writes what a window held back and begins the next one. That is longer, and lets one line through.
func (l *limiter) endWindow(k kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[k]
	if l.closed {
		return
	}
	if w.held == 0 {
		delete(l.windows, k)
		return
	}
	l.write(w.summary())
	w.length = min(2*w.length, maxWindow)
	w.left = 1
	w.end.Reset(w.length)
}

// summary returns the last line held back, with the number of the others, and resets the count.
func (w *window) summary() slog.Record {
	r := w.last
	if w.held > 1 {
		r.AddAttrs(slog.Int64("suppressed", w.held-1))
	}
	w.held, w.last = 0, slog.Record{}
	return r
}

// Close writes what all windows hold back. Later lines pass.
func (l *limiter) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, w := range l.windows {
		w.end.Stop()
		if w.held > 0 {
			l.write(w.summary())
		}
	}
}
