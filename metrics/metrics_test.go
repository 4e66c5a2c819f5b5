package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAHistogramCountsByUpperLimit(t *testing.T) {
	var h Histogram
	h.Observe(100*time.Microsecond, 2)
	h.Observe(101*time.Microsecond, 1)
	h.Observe(time.Minute, 3)
	d := h.Read()
	if d.Count != 6 || d.Buckets[0.0001] != 2 || d.Buckets[0.00025] != 3 || d.Buckets[30] != 3 {
		t.Errorf("%+v", d)
	}
	if want := (2*100*time.Microsecond + 101*time.Microsecond + 3*time.Minute).Seconds(); d.Sum != want {
		t.Errorf("sum %v, not %v", d.Sum, want)
	}
}

func TestRowsAreSortedAndWithoutWhatNeverHappened(t *testing.T) {
	meters := NewMeters("b", "a", "never")
	meters["b"].Count(0, 2)
	meters["b"].Took(time.Second, 2)
	meters["a"].Count(Endings-1, 1)
	meters["never"].Count(1, 0)
	type row struct {
		kind        string
		first, last int64
		took        uint64
	}
	got := Rows(meters,
		func(kind string, r Reading) row {
			return row{kind, r.Ended[0], r.Ended[Endings-1], r.Latency.Count}
		},
		func(a, b row) int { return strings.Compare(a.kind, b.kind) })
	want := []row{{"a", 0, 1, 0}, {"b", 2, 0, 2}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
}

func TestABatchCountsAsItsEvents(t *testing.T) {
	var one, other Meter
	var batch Batch
	for i, d := range []time.Duration{0, time.Millisecond, time.Millisecond, time.Minute} {
		one.Count(i%2, 1)
		one.Took(d, 1)
		batch.Add(i%2, d)
	}
	other.AddBatch(&batch)
	if diff := cmp.Diff(one.read(), other.read()); diff != "" {
		t.Error(diff)
	}
}
