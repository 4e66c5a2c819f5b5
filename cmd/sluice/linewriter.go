package main

import (
	"io"
	"sync"
	"time"
)

// What may wait for stderr: whoever reads it may stand still for a while, and a proxy that logs must
// not stand still with it.
const (
	maxPendingBytes = mebi
	maxPendingLines = 4096
)

// lineWriter hands lines to a writer that may be slow or stuck. Add never waits: what does not fit is
// dropped and counted, and a notice says how many were when there is room again.
type lineWriter struct {
	to     io.Writer
	notice func(dropped int64) []byte
	wake   chan struct{} // has a value when there is something to do
	done   chan struct{} // closed when run has returned

	mu      sync.Mutex // guards what follows
	pending batch
	missing int64 // dropped, and no notice said so yet
	dropped int64 // since the start
	closed  bool
}

// batch is lines that go out in one write.
type batch struct {
	text  []byte
	lines int64
	told  int64 // dropped lines that the batch has a notice of
}

func startLineWriter(to io.Writer, notice func(dropped int64) []byte) *lineWriter {
	w := &lineWriter{to: to, notice: notice, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Add queues one line, its end included.
func (w *lineWriter) Add(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.pending.lines >= maxPendingLines || len(w.pending.text)+len(line) > maxPendingBytes {
		w.drop(1)
		return
	}
	w.pending.text = append(w.pending.text, line...)
	w.pending.lines++
	w.poke()
}

// Dropped returns how many lines were lost, since the start.
func (w *lineWriter) Dropped() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Close waits until what was added is written, but not longer than the time given: a write that is
// stuck cannot be taken back. It reports whether everything was written.
func (w *lineWriter) Close(within time.Duration) bool {
	w.mu.Lock()
	w.closed = true
	w.poke()
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

func (w *lineWriter) poke() {
	select {
	case w.wake <- struct{}{}:
	default: // run will look anyway
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

// take empties the queue. Lines are missing only after those that fill it, so that is where their
// notice belongs.
func (w *lineWriter) take() (next batch, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, w.pending = w.pending, batch{}
	if next.lines > 0 && w.missing > 0 {
		next.text = append(next.text, w.notice(w.missing)...)
		next.told, w.missing = w.missing, 0
	}
	return next, w.closed
}

func (w *lineWriter) write(next batch) {
	if _, err := w.to.Write(next.text); err != nil { // of a reader that went away, say
		w.mu.Lock()
		defer w.mu.Unlock()
		w.drop(next.lines)
		w.missing += next.told
	}
}
