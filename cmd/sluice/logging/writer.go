package logging

import (
	"io"
	"sync"
	"time"
)

// The bounds of what waits for stderr. The reader of stderr may stop for a while, and the proxy must not stop with it.
const (
	maxPendingBytes = 1 << 20
	maxPendingLines = 4096
)

// lineWriter passes lines to a writer that may be slow or stuck. Add never waits. Lines that do not fit are dropped and
// counted; a notice with their number is written as soon as there is room.
type lineWriter struct {
	to     io.Writer
	notice func(dropped int64) []byte
	wake   chan struct{} // has a value when there is something to do
	done   chan struct{} // closed when run has returned

	mu      sync.Mutex // guards what follows
	pending batch
	missing int64 // dropped lines without a notice yet
	dropped int64 // dropped lines since the start
	closed  bool
}

// batch is the lines of one write.
type batch struct {
	text   []byte
	lines  int64
	notice int64 // dropped lines that the batch's notice counts
}

func startLineWriter(to io.Writer, notice func(dropped int64) []byte) *lineWriter {
	w := &lineWriter{to: to, notice: notice, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Add queues one line with its line end.
func (w *lineWriter) Add(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.pending.lines >= maxPendingLines || len(w.pending.text)+len(line) > maxPendingBytes {
		w.drop(1)
		return
	}
	w.pending.text = append(w.pending.text, line...)
	w.pending.lines++
	w.signal()
}

// Dropped returns how many lines were dropped since the start.
func (w *lineWriter) Dropped() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Close waits until all lines are written, but at most for the time given: a stuck write cannot be interrupted. It
// reports whether everything was written.
func (w *lineWriter) Close(within time.Duration) bool {
	w.mu.Lock()
	w.closed = true
	w.signal()
	w.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-w.done:
		return true
	case <-late.C:
		return false
	}
}

func (w *lineWriter) drop(lines int64) {
	w.missing += lines
	w.dropped += lines
}

// signal wakes run.
func (w *lineWriter) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // a signal is there already
	}
}

// run writes until the writer is closed and nothing is left.
func (w *lineWriter) run() {
	defer close(w.done)
	for {
		next, closed := w.take()
		if next.lines > 0 {
			w.write(next)
			continue
		}
		if closed {
			return
		}
		<-w.wake
	}
}

// take empties the queue. Lines are dropped only when the queue is full, so their notice goes behind its lines.
func (w *lineWriter) take() (next batch, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, w.pending = w.pending, batch{}
	if next.lines > 0 && w.missing > 0 {
		next.text = append(next.text, w.notice(w.missing)...)
		next.notice, w.missing = w.missing, 0
	}
	return next, w.closed
}

func (w *lineWriter) write(next batch) {
	if _, err := w.to.Write(next.text); err != nil { // such as a reader that went away
		w.mu.Lock()
		defer w.mu.Unlock()
		w.drop(next.lines)
		w.missing += next.notice
	}
}
