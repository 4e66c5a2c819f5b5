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
	scrapes     = 20
	scrapeCost  = 150 * time.Millisecond // of a processor, at most; the target is a third
	scrapeEvery = 15 * time.Second       // Prometheus' habit
)

// With as many connections as there may be, and many groups, a scrape is nothing that one would see.
func TestAScrapeIsCheap(t *testing.T) {
	ctx := harnesstest.Within(t, 5*time.Minute)
	s := crowd(t, ctx, largeCrowd, largeGroups)
	cpu := func(m *harness.Metrics) float64 { return m.Sum("process_cpu_seconds_total") }
	before := harnesstest.Scrape(t, ctx, s)
	size := len(scrapeOften(t, ctx, s, scrapes))
	after := harnesstest.Scrape(t, ctx, s)
	each := (cpu(after) - cpu(before)) / (scrapes + 1)
	t.Logf("%d connections, %d groups: %d bytes, %d series, %.0f goroutines, %.0f threads, %.0f MiB of memory", largeCrowd, largeGroups,
		size, len(after.Series), after.Sum("go_goroutines"), after.Sum("go_threads"), after.Sum("process_resident_memory_bytes")/(1<<20))
	t.Logf("a scrape is %.1f ms of CPU, so one every %v adds %.2f %%", 1000*each, scrapeEvery, 100*each/scrapeEvery.Seconds())
	if each > scrapeCost.Seconds() {
		t.Errorf("a scrape takes %.0f ms of a processor", 1000*each)
	}
}
