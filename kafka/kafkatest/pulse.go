package kafkatest

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Pulse watches the loops of a client, as a watchdog does. Its clock stands still while the machine gives this process no
// turn: then no loop gets one either.
type Pulse struct {
	ticks atomic.Int64

	mu    sync.Mutex
	loops map[string]*Loop
}

const pulseTick = 10 * time.Millisecond

// NewPulse has a clock that ends with the test.
func NewPulse(t *testing.T) *Pulse {
	p := &Pulse{loops: map[string]*Loop{}}
	ticker, end := time.NewTicker(pulseTick), make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		for {
			select {
			case <-ticker.C:
				p.ticks.Add(1)
			case <-end:
				return
			}
		}
	})
	t.Cleanup(func() {
		ticker.Stop()
		close(end)
		clock.Wait()
	})
	return p
}

func (p *Pulse) now() time.Duration { return time.Duration(p.ticks.Load()) * pulseTick }

// Loop is what was seen of the loops of one name.
type Loop struct {
	Count   int           // of its goroutines that have not ended
	Beats   int           // of all of them
	Gap     time.Duration // what was announced
	Longest time.Duration // between two beats of one goroutine
}

// Register takes a loop that begins; see config.Config.
func (p *Pulse) Register(name string, gap time.Duration) (beat, end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.loops[name]
	if l == nil {
		l = &Loop{}
		p.loops[name] = l
	}
	l.Gap = gap
	l.Count++
	last := p.now()
	return func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.Beats++
			l.Longest = max(l.Longest, p.now()-last)
			last = p.now()
		}, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.Count--
			l.Longest = max(l.Longest, p.now()-last)
		}
}

// Of tells of the loops of a name.
func (p *Pulse) Of(name string) Loop {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.loops[name]; l != nil {
		return *l
	}
	return Loop{}
}

// Running lists the loops that have not ended.
func (p *Pulse) Running() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.loops)) {
		if p.loops[name].Count > 0 {
			names = append(names, name)
		}
	}
	return names
}

// WantInTime fails when a loop was silent for longer than it had announced.
func (p *Pulse) WantInTime(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, l := range p.loops {
		if l.Longest > l.Gap || l.Gap < time.Second || l.Beats == 0 {
			t.Errorf("%s beat %d times, was silent for %v and announced %v", name, l.Beats, l.Longest, l.Gap)
		}
	}
}
