package main

import (
	"log/slog"
	"sync"
	"time"
)

// How much of a storm is shown. While one lasts, its windows double, so that it costs some ten lines
// in the first minute and two in each that follows.
const (
	stormLines      = 5                // lines of one kind in the first window
	stormWindow     = 10 * time.Second // the first window
	longStormWindow = time.Minute      // the longest one
	stormKinds      = 1000             // more than there are messages in the program; the rest share one storm
)

// storms lets the first lines of a kind pass, a kind being level and message, and holds back what
// follows. At the end of the window the last line held back is written, with the number of the
// others as "suppressed", so that lines and numbers add up. Lines of level debug always pass: who
// asks for them wants them all.
type storms struct {
	write func(slog.Record) // must not wait

	mu     sync.Mutex // guards what follows
	storms map[lineKind]*storm
	closed bool
}

type lineKind struct {
	level   slog.Level
	message string
}

// storm is the window of one kind; it is forgotten when a window ends that held nothing back.
type storm struct {
	window time.Duration
	free   int   // lines that may still pass
	held   int64 // lines held back
	last   slog.Record
	end    *time.Timer
}

func newStorms(write func(slog.Record)) *storms {
	return &storms{write: write, storms: map[lineKind]*storm{}}
}

// Pass reports whether a line may be written now. If not it is counted, and record asked for the
// whole of it: it may be the one that is shown.
func (s *storms) Pass(level slog.Level, message string, record func() slog.Record) bool {
	if level < slog.LevelInfo {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	one := s.of(lineKind{level, message})
	if one.free > 0 {
		one.free--
		return true
	}
	one.held++
	one.last = record()
	return false
}

// of finds the storm of a kind, or begins one.
func (s *storms) of(kind lineKind) *storm {
	if _, known := s.storms[kind]; !known && len(s.storms) >= stormKinds {
		kind.message = ""
	}
	one, known := s.storms[kind]
	if !known {
		one = &storm{window: stormWindow, free: stormLines}
		one.end = time.AfterFunc(stormWindow, func() { s.endWindow(kind) })
		s.storms[kind] = one
	}
	return one
}

// endWindow shows what a window held back and begins the next one, longer and with a single line
// that passes at once.
func (s *storms) endWindow(kind lineKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.storms[kind]
	if s.closed {
		return
	}
	if one.held == 0 {
		delete(s.storms, kind)
		return
	}
	s.write(one.summary())
	one.window = min(2*one.window, longStormWindow)
	one.free = 1
	one.end.Reset(one.window)
}

// summary is the last line held back; it counts the others and forgets them.
func (s *storm) summary() slog.Record {
	r := s.last
	if s.held > 1 {
		r.AddAttrs(slog.Int64("suppressed", s.held-1))
	}
	s.held, s.last = 0, slog.Record{}
	return r
}

// Close shows what is held back. Lines that come later pass.
func (s *storms) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, one := range s.storms {
		one.end.Stop()
		if one.held > 0 {
			s.write(one.summary())
		}
	}
}
