package kafkatest

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// Pulse watches the loops of a client, as a watchdog does.
type Pulse struct {
	mu    sync.Mutex
	loops map[string]*Loop
}

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
	if p.loops == nil {
		p.loops = map[string]*Loop{}
	}
	l := p.loops[name]
	if l == nil {
		l = &Loop{}
		p.loops[name] = l
	}
	l.Gap = gap
	l.Count++
	last := time.Now()
	return func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.Beats++
			l.Longest = max(l.Longest, time.Since(last))
			last = time.Now()
		}, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.Count--
			l.Longest = max(l.Longest, time.Since(last))
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
