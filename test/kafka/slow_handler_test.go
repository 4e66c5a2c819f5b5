//go:build kafka

package kafka

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A handler that takes many times max.poll.interval.ms keeps its partition: another member of the
// group, on another proxy, waits all that time and gets nothing of it, and the late ack counts.
func TestSlowHandlerKeepsItsPartition(t *testing.T) {
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	harnesstest.Topic(t, ctx, c.Admin, "slow", 1)
	if err := c.Admin.Produce(ctx, "slow", 0, nil, "one"); err != nil {
		t.Fatal(err)
	}
	key := `topics:slow:{"session.timeout.ms":1000,"heartbeat.interval.ms":200,"max.poll.interval.ms":1000}`
	slow := member(t, c.proxy(t, ctx), "app:slow")
	r, err := next(ctx, slow, key, 30)
	if err != nil {
		t.Fatal(err)
	}
	other := member(t, c.proxy(t, ctx), "app:other")
	for range 6 { // of the interval, which is a second
		if r, err := next(ctx, other, key, 1); !errors.Is(err, redis.Nil) {
			t.Fatalf("the other member got %v, %v", r, err)
		}
	}
	if err := ack(ctx, slow, r); err != nil {
		t.Fatal(err)
	}
	c.expectCommittedAll(t, ctx, "app", "slow")
}
