package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

const (
	releasesTopic  = "delayed"
	releaseDelay   = 100 * time.Millisecond
	releaseWorkers = 20
)

// releases measures how late a record comes that was released for a tenth of a second. Workers wait for it.
func (b *bench) releases(ctx context.Context, s *harness.Sluice) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	if err := b.admin.CreateTopic(ctx, releasesTopic, failingPartitions); err != nil {
		return err
	}
	for i := range releaseWorkers {
		if err := b.admin.Produce(ctx, releasesTopic, int32(i%failingPartitions), nil, value); err != nil {
			return err
		}
	}
	t := b.table(fmt.Sprintf("How late a record comes that was released with a delay of 100 ms: %d workers release a record each, and wait for it. "+
		"The time counts from before the release is sent until the record is read.", releaseWorkers), "door", "p50", "p99", "most")
	for _, way := range []*troubled{
		{door: "Redis", group: "delayed", workers: releaseWorkers, fails: none},
		{door: "HTTP", group: "delayed-http", workers: releaseWorkers, fails: none},
	} {
		b.say("%s door, releases of 100 ms", way.door)
		late, err := b.lateness(ctx, s, way)
		way.close()
		if err != nil {
			return fmt.Errorf("releases, %s: %w", way.door, err)
		}
		p99 := percentile(late, 99)
		t.add(judge("p99 ≤ 20 ms, none early", late[0] >= 0 && p99 <= 20*time.Millisecond), percentiles(way.door, late)...)
	}
	return nil
}

// delays are when records are due, and how late they came.
type delays struct {
	mu   sync.Mutex // guards what follows
	due  map[[2]int64]time.Time
	late []time.Duration
}

// came notes that a record was read, and returns how many have come late enough to count.
func (d *delays) came(r *lent, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if due, known := d.due[[2]int64{r.partition, r.offset}]; known {
		d.late = append(d.late, now.Sub(due))
	}
	return len(d.late)
}

func (d *delays) releasing(r *lent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due[[2]int64{r.partition, r.offset}] = time.Now().Add(releaseDelay)
}

// lateness is sorted.
func (b *bench) lateness(ctx context.Context, s *harness.Sluice, way *troubled) ([]time.Duration, error) {
	seen := &delays{due: map[[2]int64]time.Time{}}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	errs := make([]error, way.workers)
	var wg sync.WaitGroup
	for i := range way.workers {
		one, err := way.seat(s, i, releasesTopic)
		if err != nil {
			enough()
			wg.Wait()
			return nil, err
		}
		way.crew = append(way.crew, one)
		wg.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				r, err := one.lend()
				if err != nil || r == nil {
					errs[i] = err
					continue
				}
				if seen.came(r, time.Now()) >= b.samples {
					enough()
				}
				seen.releasing(r)
				errs[i] = one.release(r, delayedReport)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(seen.late) < b.samples {
		return nil, errNothing
	}
	slices.Sort(seen.late)
	return seen.late, nil
}
