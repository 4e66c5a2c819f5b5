package resp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAlarm sets an alarm again and again, as the commands of a session do.
func TestAlarm(t *testing.T) {
	const never = time.Duration(-1)
	for _, c := range []struct {
		name string
		set  []time.Duration // from the start, one a second
		ring []time.Duration
	}{
		{"once", []time.Duration{5 * time.Second}, []time.Duration{5 * time.Second}},
		{"later and later", []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second}, []time.Duration{6 * time.Second}},
		{"sooner", []time.Duration{time.Hour, 3 * time.Second}, []time.Duration{3 * time.Second}},
		{"not any more", []time.Duration{3 * time.Second, never}, nil},
		{"not any more, and again", []time.Duration{3 * time.Second, never, 10 * time.Second}, []time.Duration{10 * time.Second}},
		{"over already", []time.Duration{0}, []time.Duration{0}},
		{"again after it rang", []time.Duration{0, 2 * time.Second}, []time.Duration{0, 2 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var rung []time.Duration
				a := alarm{ring: func() { rung = append(rung, time.Since(began)) }}
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
				if diff := cmp.Diff(c.ring, rung); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestAStoppedAlarm is of a session that has ended.
func TestAStoppedAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := alarm{ring: func() { t.Error("it rang") }}
		a.set(time.Now().Add(time.Second))
		a.stop()
		<-time.After(time.Hour)
	})
}
