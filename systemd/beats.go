package systemd

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Beats knows when each long-running loop of the process last made progress.
type Beats struct {
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	loops map[*loop]struct{}
}

// loop is one registration.
type loop struct {
	name string
	gap  time.Duration
	last atomic.Int64 // nanoseconds since began
}

// Age says how long ago a loop made progress, and how long it may take.
type Age struct {
	// Loop is "kind" or "kind:detail", such as "subscription:billing".
	Loop string
	Age  time.Duration
	Gap  time.Duration
}

// Late reports whether the loop takes longer than its gap.
func (a Age) Late() bool { return a.Age > a.Gap }

// NewBeats returns Beats with the clock now. Only tests use another one than time.Now.
func NewBeats(now func() time.Time) *Beats {
	return &Beats{now: now, began: now(), loops: map[*loop]struct{}{}}
}

// Register adds a loop that beats at least once per gap, also while it is idle. The first gap begins now.
//
// The loop calls beat where it makes progress, and end when it ends. A loop that ends without a call of end becomes
// late. Several loops may have the same name. All goroutines may call both functions, and end more than once.
func (b *Beats) Register(name string, gap time.Duration) (beat, end func()) {
	l := &loop{name: name, gap: gap}
	l.last.Store(b.clock())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loops[l] = struct{}{}
	beat = func() {
		freeze(name)
		l.last.Store(b.clock())
	}
	return beat, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.loops, l)
	}
}

// clock returns nanoseconds since began, by the monotonic clock. A change of the system's time has no effect.
func (b *Beats) clock() int64 { return int64(b.now().Sub(b.began)) }

// Ages returns the loops, sorted by name. Of several loops with one name it returns the latest: the one with the least
// time left, or furthest beyond its gap.
func (b *Beats) Ages() []Age {
	now := b.clock()
	b.mu.Lock()
	ages := make([]Age, 0, len(b.loops))
	for l := range b.loops {
		ages = append(ages, Age{Loop: l.name, Age: time.Duration(now - l.last.Load()), Gap: l.gap})
	}
	b.mu.Unlock()
	slices.SortFunc(ages, func(x, y Age) int {
		return cmp.Or(cmp.Compare(x.Loop, y.Loop), cmp.Compare(y.Age-y.Gap, x.Age-x.Gap))
	})
	return slices.CompactFunc(ages, func(x, y Age) bool { return x.Loop == y.Loop })
}

// Late returns the loops that take longer than they may, sorted by name.
func (b *Beats) Late() []Age {
	return slices.DeleteFunc(b.Ages(), func(a Age) bool { return !a.Late() })
}
