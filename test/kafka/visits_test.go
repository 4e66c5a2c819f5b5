package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Visits that are shorter than sluice's look at the clock, each a connection that says QUIT, keep the group for much
// longer than it lingers: no rebalance.
func TestShortVisitsWithoutRebalance(t *testing.T) {
	const linger, visits = time.Second, 30
	ctx := harnesstest.Within(t, patience)
	addr, admin, joins := start(t, ctx, "--config", harnesstest.Config(t, "consume: {linger: 1s}"))
	if err := admin.Produce(ctx, "orders", 0, nil, "0"); err != nil {
		t.Fatal(err)
	}
	if got, err := visit(ctx, addr, 30*time.Second); err != nil || len(got) != 8 {
		t.Fatal(got, err)
	}
	before := joins.Load()
	pause := time.NewTicker(3 * linger / visits)
	defer pause.Stop()
	for range visits {
		if _, err := visit(ctx, addr, time.Millisecond); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		<-pause.C
	}
	if n := joins.Load() - before; n != 0 {
		t.Errorf("%d JoinGroup requests during %d visits, want 0", n, visits)
	}
}

// visit asks for one record, acknowledges it, and says goodbye.
func visit(ctx context.Context, addr string, wait time.Duration) ([]any, error) {
	c := redis.NewClient(&redis.Options{Addr: addr, ClientName: "app:w", PoolSize: 1, MaxRetries: -1, ReadTimeout: patience})
	defer c.Close()
	got, err := c.Do(ctx, "BLPOP", "topics:orders", wait.Seconds()).Slice()
	if err == nil {
		err = c.RPush(ctx, "acks", "orders:0:0").Err()
	}
	return got, errors.Join(err, c.Do(ctx, "QUIT").Err())
}
