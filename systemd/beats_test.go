package systemd

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a clock that only the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func expectAges(t *testing.T, got []Age, want ...Age) {
	t.Helper()
	if diff := cmp.Diff(want, append([]Age(nil), got...)); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
}

func TestALoopIsLateBeyondItsGap(t *testing.T) {
	c := newClock()
	b := NewBeats(c.now)
	beat, _ := b.Register("accept:resp", 3*time.Second)
	_, _ = b.Register("lag", time.Minute)

	c.pass(3 * time.Second)
	expectAges(t, b.Late())
	c.pass(1)
	expectAges(t, b.Late(), Age{"accept:resp", 3*time.Second + 1, 3 * time.Second})
	beat()
	expectAges(t, b.Late())
	expectAges(t, b.Ages(),
		Age{"accept:resp", 0, 3 * time.Second},
		Age{"lag", 3*time.Second + 1, time.Minute})
}

func TestALoopThatEndsIsNotLate(t *testing.T) {
	c := newClock()
	b := NewBeats(c.now)
	beat, end := b.Register("subscription:billing", time.Second)
	c.pass(time.Minute)
	end()
	end()
	beat()
	expectAges(t, b.Ages())
}

func TestOfLoopsThatShareANameTheWorstCounts(t *testing.T) {
	c := newClock()
	b := NewBeats(c.now)
	first, _ := b.Register("subscription:billing", time.Second)
	second, _ := b.Register("subscription:billing", time.Minute)
	c.pass(10 * time.Second)
	second()
	expectAges(t, b.Late(), Age{"subscription:billing", 10 * time.Second, time.Second})
	first()
	expectAges(t, b.Late())
}

func TestBeatsFromEverywhere(t *testing.T) {
	b := NewBeats(time.Now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				beat, end := b.Register("loop", time.Minute)
				beat()
				b.Late()
				end()
			}
		})
	}
	all.Wait()
	expectAges(t, b.Ages())
}

func BenchmarkBeat(b *testing.B) {
	beat, end := NewBeats(time.Now).Register("loop", time.Second)
	defer end()
	for b.Loop() {
		beat()
	}
}
