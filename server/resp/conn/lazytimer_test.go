package conn

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLazyTimer sets a timer again and again, as the commands of a session do.
func TestLazyTimer(t *testing.T) {
	const never = time.Duration(-1)
	for _, c := range []struct {
		name string
		set  []time.Duration // from the start, one a second
		fire []time.Duration
	}{
		{"once", []time.Duration{5 * time.Second}, []time.Duration{5 * time.Second}},
		{"later and later", []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second}, []time.Duration{6 * time.Second}},
		{"sooner", []time.Duration{time.Hour, 3 * time.Second}, []time.Duration{3 * time.Second}},
		{"not any more", []time.Duration{3 * time.Second, never}, nil},
		{"not any more, and again", []time.Duration{3 * time.Second, never, 10 * time.Second}, []time.Duration{10 * time.Second}},
		{"over already", []time.Duration{0}, []time.Duration{0}},
		{"again after it fired", []time.Duration{0, 2 * time.Second}, []time.Duration{0, 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var fired []time.Duration
				a := lazyTimer{fire: func() { fired = append(fired, time.Since(began)) }}
				for _, at := range c.set {
					if at == never {
						a.set(time.Time{})
					} else {
						a.set(began.Add(at))
					}
					<-time.After(time.Second) // of the bubble's clock
				}
				<-time.After(2 * time.Hour)
				a.mu.Lock()
				defer a.mu.Unlock()
				if diff := cmp.Diff(c.fire, fired); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestAStoppedLazyTimer is of a session that has ended.
func TestAStoppedLazyTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := lazyTimer{fire: func() { t.Error("it fired") }}
		a.set(time.Now().Add(time.Second))
		a.stop()
		<-time.After(time.Hour)
	})
}
