//go:build kafka

package operations

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	largeCrowd  = 10_000
	largeGroups = 50
	// scrapeTarget is what a scrape of a large crowd may take; three times that fails, for the machine
	// has other things to do as well.
	scrapeTarget = 50 * time.Millisecond
	scrapeEvery  = 15 * time.Second // Prometheus' habit
)

// With as many connections as there may be, and many groups, a scrape is nothing that one would see.
func TestAScrapeIsCheap(t *testing.T) {
	ctx := harnesstest.Within(t, 5*time.Minute)
	s := crowd(t, ctx, largeCrowd, largeGroups)

	before, idle := harnesstest.Scrape(t, ctx, s), 5*time.Second
	<-time.After(idle)
	quiet := harnesstest.Scrape(t, ctx, s)
	const n = 20
	begun := time.Now()
	times, size := timeScrapes(t, ctx, s, n)
	took := time.Since(begun)
	after := harnesstest.Scrape(t, ctx, s)

	cpu := func(m *harness.Metrics) float64 {
		return m.Sum("process_cpu_seconds_total")
	}
	atRest := (cpu(quiet) - cpu(before)) / idle.Seconds()
	each := max(0, cpu(after)-cpu(quiet)-atRest*took.Seconds()) / (n + 1)
	t.Logf("%d connections, %d groups: a scrape takes %v in the middle; all: %v", largeCrowd, largeGroups, median(times), times)
	t.Logf("%d bytes, %d series, %.0f goroutines, %.0f threads, %.0f MiB of memory", size, len(after.Series),
		after.Sum("go_goroutines"), after.Sum("go_threads"), after.Sum("process_resident_memory_bytes")/(1<<20))
	t.Logf("at rest %.1f %% of a core; a scrape is %.1f ms of CPU, so one every %v adds %.2f %%",
		100*atRest, 1000*each, scrapeEvery, 100*each/scrapeEvery.Seconds())
	t.Logf("the target of %v is met: %v", scrapeTarget, median(times) < scrapeTarget)
	if median(times) > 3*scrapeTarget {
		t.Errorf("a scrape takes %v", median(times))
	}
}
