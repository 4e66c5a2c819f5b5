package logging

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// onFakeClock runs a function that logs, on a fake clock. The function can read the lines written so far.
func onFakeClock(t *testing.T, what func(log *slog.Logger, lines func() []string)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		var out sink
		l := Open(&out, true, Config{Level: slog.LevelDebug, Format: "text"})
		defer l.Close()
		what(l.Logger(), func() []string {
			synctest.Wait() // the writer is idle
			return out.take()
		})
	})
}

func TestRepeatedLinesAreAFewLinesAndACount(t *testing.T) {
	onFakeClock(t, func(log *slog.Logger, lines func() []string) {
		for i := range 818 {
			log.Warn("kafka trouble", "i", i)
		}
		log.Info("kafka trouble", "i", "of another level")
		log.Warn("something else")
		want := []string{
			`<4>level=WARN msg="kafka trouble" i=0`,
			`<4>level=WARN msg="kafka trouble" i=1`,
			`<4>level=WARN msg="kafka trouble" i=2`,
			`<4>level=WARN msg="kafka trouble" i=3`,
			`<4>level=WARN msg="kafka trouble" i=4`,
			`<6>level=INFO msg="kafka trouble" i="of another level"`,
			`<4>level=WARN msg="something else"`,
		}
		if diff := cmp.Diff(want, lines()); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		pass(firstWindow - time.Nanosecond)
		if diff := cmp.Diff([]string(nil), lines()); diff != "" {
			t.Errorf("before the window's end (-want +got):\n%s", diff)
		}
		pass(time.Nanosecond)
		if diff := cmp.Diff([]string{`<4>level=WARN msg="kafka trouble" i=817 suppressed=812`}, lines()); diff != "" {
			t.Errorf("at its end (-want +got):\n%s", diff)
		}
	})
}

func TestALineThatKeepsRepeatingCostsLessAndLessAndTheSumsAreRight(t *testing.T) {
	onFakeClock(t, func(log *slog.Logger, lines func() []string) {
		const minutes = 10
		perMinute := make([]int, minutes)
		total, said := 0, 0
		for m := range perMinute {
			for range 600 {
				log.Warn("client cut")
				said++
				pass(100 * time.Millisecond)
			}
			for _, line := range lines() {
				perMinute[m]++
				var more int
				if _, after, found := strings.Cut(line, "suppressed="); found {
					fmt.Sscan(after, &more)
				}
				total += 1 + more
			}
		}
		if diff := cmp.Diff([]int{9, 2, 2, 2, 2, 2, 2, 2, 2, 2}, perMinute); diff != "" {
			t.Errorf("lines per minute (-want +got):\n%s", diff)
		}
		pass(2 * maxWindow)
		for _, line := range lines() {
			var more int
			_, after, _ := strings.Cut(line, "suppressed=")
			fmt.Sscan(after, &more)
			total += 1 + more
		}
		if total != said {
			t.Errorf("%d lines are shown or counted of %d", total, said)
		}
	})
}

func TestAfterAQuietWindowLinesPassAgain(t *testing.T) {
	onFakeClock(t, func(log *slog.Logger, lines func() []string) {
		for range 7 {
			log.Warn("client cut")
		}
		pass(firstWindow + 2*firstWindow) // the first window, and a quiet one
		lines()
		for range 5 {
			log.Warn("client cut")
		}
		if n := len(lines()); n != 5 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestASingleLineHeldBackIsJustLate(t *testing.T) {
	onFakeClock(t, func(log *slog.Logger, lines func() []string) {
		for i := range 6 {
			log.Warn("client cut", "i", i)
		}
		lines()
		pass(firstWindow)
		if diff := cmp.Diff([]string{`<4>level=WARN msg="client cut" i=5`}, lines()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDebugIsNeverSuppressed(t *testing.T) {
	onFakeClock(t, func(log *slog.Logger, lines func() []string) {
		for range 100 {
			log.Debug("librdkafka said")
		}
		if n := len(lines()); n != 100 {
			t.Errorf("%d lines", n)
		}
	})
}

// Messages are constants. Memory is bounded even if they are not.
func TestKindsOfLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown int
		s := newLimiter(func(slog.Record) { shown++ })
		passed := 0
		const many = 10 * maxKinds
		for i := range many {
			message := fmt.Sprint(i)
			if s.Allow(slog.LevelInfo, message, func() slog.Record { return slog.Record{Message: message} }) {
				passed++
			}
		}
		if s.kinds() != maxKinds+1 || passed != maxKinds+burstLines {
			t.Errorf("%d windows, %d lines passed", s.kinds(), passed)
		}
		pass(2 * maxWindow)
		synctest.Wait()
		if s.kinds() != 0 || shown != 1 {
			t.Errorf("%d windows are left, %d lines shown", s.kinds(), shown)
		}
		s.Close()
	})
}

func (s *limiter) kinds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.windows)
}

// pass lets time go by on synctest's clock.
func pass(d time.Duration) { <-time.After(d) }
