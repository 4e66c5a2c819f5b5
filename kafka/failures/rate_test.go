package failures

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clockStart is when the tests of this package begin.
var clockStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

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
		now := clockStart
		for range rapid.IntRange(1, 200).Draw(t, "takes") {
			now = now.Add(time.Duration(rapid.IntRange(0, int(m.Rate.Per)).Draw(t, "pause")) / time.Duration(rapid.SampledFrom([]int{1, 10, 1000}).Draw(t, "part")))
			wanted := rapid.IntRange(0, 300).Draw(t, "wanted")
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

// Who takes whenever Next says so gets at least 99 % of the limit.
func TestAMeterLendsWhatItMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Meter{Rate: Rate{rapid.IntRange(1, 1000).Draw(t, "limit"), time.Second}}
		pace := time.Duration(rapid.IntRange(0, 20).Draw(t, "pace")) * time.Millisecond
		each := rapid.IntRange(1, 1000).Draw(t, "each")
		const seconds = 20
		sum := 0
		for now := clockStart; now.Sub(clockStart) < seconds*time.Second; now = m.Next(now.Add(pace + time.Microsecond)) {
			sum += m.Take(now, each)
		}
		asked := int(seconds * time.Second / (pace + time.Microsecond) * time.Duration(each))
		if fair := min(m.Rate.Limit*seconds, asked); float64(sum) < 0.95*float64(fair) {
			t.Fatalf("%d of %d", sum, fair)
		}
	})
}

func TestARateThatChangesKeepsWhatWasLent(t *testing.T) {
	m := Meter{}
	if n := m.Take(clockStart, 1_000_000); n != 1_000_000 || !m.Next(clockStart).Equal(clockStart) {
		t.Error("a meter without a rate has a bound")
	}
	m.Rate = Rate{10, time.Second}
	if n := m.Take(clockStart, 8); n != 8 {
		t.Errorf("%d of 8", n)
	}
	m.Rate = Rate{5, time.Second}
	if n := m.Take(clockStart, 8); n != 0 {
		t.Errorf("%d beyond a lower limit", n)
	}
	if next := m.Next(clockStart); !next.Equal(clockStart.Add(time.Second)) {
		t.Errorf("next after %v", next.Sub(clockStart))
	}
	m.Rate = Rate{20, time.Minute}
	later := clockStart.Add(30 * time.Second)
	if n := m.Take(later, 100); n != 12 {
		t.Errorf("%d after what was lent in the same minute", n)
	}
	if next := m.Next(later); !next.Equal(clockStart.Add(time.Minute)) {
		t.Errorf("next after %v", next.Sub(clockStart))
	}
}
