//go:build kafka

package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A handler that takes many times max.poll.interval.ms keeps its partition: another member of the
// group, on another proxy, waits all that time and gets nothing of it, and the late ack counts.
func TestSlowHandlerKeepsItsPartition(t *testing.T) {
	const interval = time.Second
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := startCluster(t, ctx, 1)
	if err := c.admin.CreateTopic(ctx, "slow", 1); err != nil {
		t.Fatal(err)
	}
	if err := c.admin.Produce(ctx, "slow", 0, nil, "one"); err != nil {
		t.Fatal(err)
	}
	key := `topics:slow:{"session.timeout.ms":1000,"heartbeat.interval.ms":200,"max.poll.interval.ms":1000}`
	slow := member(t, c.proxy(t, ctx), "app:slow")
	r, err := next(ctx, slow, key, 30)
	if err != nil {
		t.Fatal(err)
	}
	other := member(t, c.proxy(t, ctx), "app:other")
	for since := time.Now(); time.Since(since) < 6*interval; {
		if r, err := next(ctx, other, key, 1); !errors.Is(err, redis.Nil) {
			t.Fatalf("the other member got %v, %v", r, err)
		}
	}
	if err := ack(ctx, slow, r); err != nil {
		t.Fatal(err)
	}
	c.expectCommittedAll(t, ctx, "app", "slow")
}
