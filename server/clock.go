package server

import "time"

// Clock is a clock whose timers it fires itself. Tests have one that they set forward.
type Clock interface {
	Now() time.Time
	// NewTimer makes a timer that fires when d is over.
	NewTimer(d time.Duration) Timer
}

// Timer is a timer of a Clock. Its methods are those of a time.Timer.
type Timer interface {
	C() <-chan time.Time
	Reset(d time.Duration) bool
	Stop() bool
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now is the present time.
func (SystemClock) Now() time.Time { return time.Now() }

// NewTimer makes a timer that fires when d is over.
func (SystemClock) NewTimer(d time.Duration) Timer { return systemTimer{time.NewTimer(d)} }

type systemTimer struct{ *time.Timer }

// C fires once.
func (t systemTimer) C() <-chan time.Time { return t.Timer.C }
