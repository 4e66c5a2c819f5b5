package server

import "time"

// Watch tells a watchdog about a loop that begins. The loop must call beat at least once in every gap, and end when it
// ends. A nil Watch means that there is no watchdog.
type Watch func(loop string, gap time.Duration) (beat, end func())

// Loop tells the watchdog about a loop that begins; without a watchdog beat and end do nothing.
func (w Watch) Loop(loop string, gap time.Duration) (beat, end func()) {
	if w == nil {
		return func() {}, func() {}
	}
	return w(loop, gap)
}
