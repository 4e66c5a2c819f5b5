package budget

import (
	"testing"
	"time"
)

// What nobody has counted yet is not taken for what others use: others grow slowly, and shrink at once.
func TestTheHeapOfOthersGrowsSlowly(t *testing.T) {
	t.Parallel()
	const mebi, limit = 1 << 20, 400 << 20
	begin := time.Unix(1000, 0)
	var h Heap
	for i, step := range []struct {
		after              time.Duration
		used, held, others int64
	}{
		{0, 50 * mebi, 0, 50 * mebi},
		{time.Second, 1050 * mebi, 0, 82 * mebi},               // a burst that is not counted yet
		{2 * time.Second, 1060 * mebi, 1000 * mebi, 60 * mebi}, // it is
		{3 * time.Second, 100 * mebi, 200 * mebi, 0},           // counted too much
		{time.Hour, 500 * mebi, 0, 500 * mebi},
	} {
		h.Observe(begin.Add(step.after), step.used, step.held, limit)
		if h.others != step.others || h.bound != step.others+limit+limit/4 {
			t.Errorf("step %d: %d MiB of others, bound %d MiB", i, h.others/mebi, h.bound/mebi)
		}
	}
}
