package failures

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dawn is when the simulated clocks begin.
var dawn = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// took is a take of a test.
type took struct {
	at      time.Time
	records int
}

// In no stretch of Per are more than Limit records lent, wherever it begins.
func TestAMeterHoldsItsRateInEveryStretch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Meter{Rate: Rate{rapid.IntRange(1, 200).Draw(t, "limit"), time.Duration(rapid.IntRange(1, 5000).Draw(t, "per")) * time.Millisecond}}
		var all []took
		now := dawn
		for range rapid.IntRange(1, 200).Draw(t, "takes") {
			now = now.Add(time.Duration(rapid.IntRange(0, int(m.Rate.Per)).Draw(t, "pause")) / time.Duration(rapid.SampledFrom([]int{1, 10, 1000}).Draw(t, "part")))
			if rapid.Bool().Draw(t, "waits") {
				now = m.Next(now)
			}
			wanted := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 300)).Draw(t, "wanted")
			next := m.Next(now)
			n := m.Take(now, wanted)
			if n < 0 || n > wanted {
				t.Fatalf("%d of %d", n, wanted)
			}
			if free := next.Equal(now); wanted > 0 && free != (n > 0) || next.Before(now) {
				t.Fatalf("next is %v from now, and %d of %d were lent", next.Sub(now), n, wanted)
			}
			all = append(all, took{now, n})
		}
		for i, first := range all {
			sum := 0
			for _, later := range all[i:] {
				if later.at.Sub(first.at) < m.Rate.Per {
					sum += later.records
				}
			}
			if sum > m.Rate.Limit {
				t.Fatalf("%d within %v, and the limit is %d", sum, m.Rate.Per, m.Rate.Limit)
			}
		}
		if len(m.lent) > meterSteps+2 {
			t.Fatalf("%d entries", len(m.lent))
		}
	})
}

// Who takes whenever Next says so gets 99 % of the limit, less what it waits itself.
func TestAMeterLendsWhatItMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Meter{Rate: Rate{rapid.IntRange(1, 1000).Draw(t, "limit"), time.Second}}
		pause := time.Duration(rapid.IntRange(1, 20_000).Draw(t, "pause")) * time.Microsecond
		each := rapid.IntRange(1, 1000).Draw(t, "each")
		const seconds = 60
		sum, takes := 0, 0
		for now := dawn; now.Sub(dawn) < seconds*time.Second; takes++ {
			sum += m.Take(now, each)
			now = now.Add(pause)
			next := m.Next(now)
			if next.Before(now) {
				t.Fatal("next was before")
			}
			now = next
		}
		full := time.Second + time.Second/100 + pause // the longest time for a whole limit
		fair := min(m.Rate.Limit*int(seconds*time.Second/full), takes*each)
		if sum < fair-m.Rate.Limit/50 {
			t.Fatalf("%d of %d", sum, fair)
		}
	})
}

func TestARateThatChangesKeepsWhatWasLent(t *testing.T) {
	m := Meter{}
	if n := m.Take(dawn, 1_000_000); n != 1_000_000 || !m.Next(dawn).Equal(dawn) {
		t.Error("a meter without a rate has a bound")
	}
	m.Rate = Rate{10, time.Second}
	if n := m.Take(dawn, 8); n != 8 {
		t.Errorf("%d of 8", n)
	}
	m.Rate = Rate{5, time.Second}
	if n := m.Take(dawn, 8); n != 0 {
		t.Errorf("%d beyond a lower limit", n)
	}
	if next := m.Next(dawn); !next.Equal(dawn.Add(time.Second)) {
		t.Errorf("next after %v", next.Sub(dawn))
	}
	m.Rate = Rate{20, time.Minute}
	later := dawn.Add(30 * time.Second)
	if n := m.Take(later, 100); n != 12 {
		t.Errorf("%d after what was lent in the same minute", n)
	}
	if next := m.Next(later); !next.Equal(dawn.Add(time.Minute)) {
		t.Errorf("next after %v", next.Sub(dawn))
	}
}
