package systemd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a Watch in a bubble: only the test moves the clock.
type watched struct {
	manager
	beats   *Beats
	reports []string
}

func watching(t *testing.T, test func(w *watched)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{manager: newManager(t, filepath.Join(t.TempDir(), "notify")), beats: NewBeats(time.Now)}
		n := open(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.Watch(ctx, w.beats, func(late []Age) { w.reports = append(w.reports, names(late)) })
		}()
		test(w)
		stop()
		<-done
	})
}

func names(late []Age) string {
	var all []string
	for _, a := range late {
		all = append(all, a.Loop)
	}
	return fmt.Sprint(all)
}

func watchdog(t *testing.T, usec string) {
	t.Helper()
	t.Setenv("WATCHDOG_USEC", usec)
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
}

func TestPingsComeAtAThirdOfTheWatchdogsTime(t *testing.T) {
	watchdog(t, "30000000")
	watching(t, func(w *watched) {
		beat, _ := w.beats.Register("loop", 2*time.Second)
		for range 30 {
			pass(time.Second)
			beat()
		}
		w.expect("WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1") // at 0, 10, 20, 30 s
	})
}

func TestALateLoopEndsThePings(t *testing.T) {
	watchdog(t, "30000000")
	watching(t, func(w *watched) {
		beat, _ := w.beats.Register("producer:delivered", 5*time.Second)
		pass(29 * time.Second)
		w.expect("WATCHDOG=1", "STATUS=stuck: producer:delivered made no progress for 5s")
		pass(time.Second)
		w.expect("WATCHDOG=trigger") // the loop has not moved for the watchdog's whole time
		beat()
		pass(time.Second)
		w.expect("STATUS=", "WATCHDOG=1")
		if want := []string{"[producer:delivered]", "[]"}; !slices.Equal(w.reports, want) {
			t.Errorf("reported %q, want %q", w.reports, want)
		}
	})
}

func TestOneLateLoopAmongManyEndsThePings(t *testing.T) {
	watchdog(t, "30000000")
	watching(t, func(w *watched) {
		first, _ := w.beats.Register("accept:http", 2*time.Second)
		_, _ = w.beats.Register("accept:resp", 2*time.Second)
		for range 15 {
			pass(time.Second)
			first()
		}
		w.expect("WATCHDOG=1", "STATUS=stuck: accept:resp made no progress for 2s")
	})
}

func TestTheReportFollowsTheNamesThatAreLate(t *testing.T) {
	watching(t, func(w *watched) {
		first, _ := w.beats.Register("a", 2*time.Second)
		_, end := w.beats.Register("b", 5*time.Second)
		pass(10 * time.Second)
		first()
		pass(2 * time.Second)
		end()
		first()
		pass(10 * time.Second)
		if want := []string{"[a]", "[a b]", "[b]", "[]", "[a]"}; !slices.Equal(w.reports, want) {
			t.Errorf("reported %q, want %q", w.reports, want)
		}
	})
}

// A process that was stopped as a whole finds all of its loops late when it continues.
func TestAProcessThatWasStoppedPingsAgainAtOnce(t *testing.T) {
	watchdog(t, "30000000")
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n := open(t)
	c := newClock()
	w := watch{notifier: n, beats: NewBeats(c.now), report: func([]Age) {}}
	beat, _ := w.beats.Register("loop", 2*time.Second)
	w.check()
	c.pass(time.Minute)
	w.check()
	beat()
	c.pass(time.Second)
	w.check()
	n.Close()
	got := slices.DeleteFunc(m.messages(), func(s string) bool { return s != "WATCHDOG=1" && s != "WATCHDOG=trigger" })
	if !slices.Equal(got, []string{"WATCHDOG=1", "WATCHDOG=1"}) {
		t.Errorf("%q", got)
	}
}

func TestTheStatusNamesTheLateLoopUntilItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, filepath.Join(t.TempDir(), "notify"))
		n := open(t)
		n.Ready("serving")
		n.alarm("stuck: lag")
		n.Status("serving 2 clients")
		pass(time.Minute)
		m.expect("READY=1\nSTATUS=serving", "STATUS=stuck: lag")
		n.alarm("")
		m.expect("STATUS=serving 2 clients")
	})
}

func TestAWatchdogForAnotherProcessIsNotFed(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getppid()))
	watching(t, func(w *watched) {
		pass(100 * time.Second)
		w.expect()
	})
}

func TestWithoutAWatchdogLateLoopsAreReportedAllTheSame(t *testing.T) {
	watching(t, func(w *watched) {
		_, _ = w.beats.Register("lag", 2*time.Second)
		pass(100 * time.Second)
		w.expect("STATUS=stuck: lag made no progress for 2s")
		if want := []string{"[lag]"}; !slices.Equal(w.reports, want) {
			t.Errorf("reported %q, want %q", w.reports, want)
		}
	})
}
