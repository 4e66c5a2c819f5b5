package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// It is counted from its first delivery, whoever had it since, and whether or not somebody has it now.
func TestARecordStandsFromItsFirstDelivery(t *testing.T) {
	l, a, b := filled(3, 5, 9), &Member{Name: "a"}, &Member{Name: "b"}
	want := func(when time.Time, offset int64, attempts int, age time.Duration, holder string) {
		t.Helper()
		r, ok := l.Standing(when)
		want := StandingRecord{TopicPartition: r.TopicPartition, Offset: offset, Attempts: attempts, Age: age, Holder: holder}
		if diff := cmp.Diff(want, r); diff != "" || !ok {
			t.Errorf("%v (-want +got):\n%s", ok, diff)
		}
	}
	if r, ok := l.Standing(dawn); ok {
		t.Fatalf("%+v stands, and nothing was lent", r)
	}
	later := func(minutes int) time.Time { return dawn.Add(time.Duration(minutes) * time.Minute) }
	l.Lend(a, dawn, true)
	l.Lend(a, later(1), true)
	want(later(2), 3, 1, 2*time.Minute, "a")
	l.Rewind(a)
	want(later(2), 3, 1, 2*time.Minute, "a")
	l.Lend(a, later(3), true)
	want(later(4), 3, 2, 4*time.Minute, "a")
	l.Forfeit(a)
	want(later(5), 3, 2, 5*time.Minute, "")
	l.Lend(b, later(6), true)
	want(later(6), 3, 3, 6*time.Minute, "b")
	l.Retry(b, 3, later(6), later(9), ThePartition, true)
	want(later(7), 3, 3, 7*time.Minute, "")
	l.Lend(b, later(10), true)
	l.Accept(b, 3)
	want(later(10), 5, 1, 9*time.Minute, "")
	l.Lend(b, later(10), true)
	l.Accept(b, 5)
	if r, ok := l.Standing(later(10)); ok {
		t.Errorf("%+v stands, and was never lent", r)
	}
}

func TestAStandingRecordIsSaidOnceAndWhenItGetsMuchWorse(t *testing.T) {
	const limit = time.Minute
	var w warning
	for i, c := range []struct {
		offset   int64
		attempts int
		age      time.Duration
		said     bool
	}{
		{7, 1, time.Second, false},
		{7, manyAttempts - 1, time.Second, false},
		{7, manyAttempts, time.Second, true},
		{7, manyAttempts + 1, time.Second, false},
		{7, manyAttempts + 1, limit, false}, // it was said already, for another reason
		{7, moreAttempts * manyAttempts, limit, true},
		{7, moreAttempts*manyAttempts + 1, 9 * limit, false},
		{7, moreAttempts*manyAttempts + 1, 10 * limit, true},
		{7, moreAttempts*manyAttempts + 1, 99 * limit, false},
		{8, 1, time.Second, false},
		{8, 1, limit, true},
		{8, 1, 2 * limit, false},
		{9, manyAttempts, time.Second, true},
	} {
		r := StandingRecord{Offset: c.offset, Attempts: c.attempts, Age: c.age}
		if said := w.warn(&r, limit); said != c.said {
			t.Errorf("%d: %+v is said: %v", i, r, said)
		}
	}
}
