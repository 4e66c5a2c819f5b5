package harness

import "time"

// Stalls watches for how long the machine, busy with other things, lets this process wait for its turn. Where
// that is long, no client of a test comes to its turn in time either, and no server.
type Stalls struct {
	ending chan struct{}
	worst  chan time.Duration
}

// stallTick is how often the watcher wants a turn.
const stallTick = 5 * time.Millisecond

// WatchStalls begins to watch, until Worst is called.
func WatchStalls() *Stalls {
	s := &Stalls{ending: make(chan struct{}), worst: make(chan time.Duration)}
	go s.watch()
	return s
}

func (s *Stalls) watch() {
	tick := time.NewTicker(stallTick)
	defer tick.Stop()
	worst, last := time.Duration(0), time.Now()
	for {
		select {
		case <-tick.C:
			now := time.Now()
			worst, last = max(worst, now.Sub(last)-stallTick), now
		case <-s.ending:
			s.worst <- worst
			return
		}
	}
}

// Worst ends the watch and returns the longest wait.
func (s *Stalls) Worst() time.Duration {
	close(s.ending)
	return <-s.worst
}
