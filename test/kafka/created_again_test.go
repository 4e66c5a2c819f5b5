//go:build kafka

package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// quick is how the tests' groups notice that a proxy was killed.
const quick = `{"session.timeout.ms":2000,"heartbeat.interval.ms":300}`

// group is one consumer of a topic, on whichever proxy lives.
type group struct {
	cluster    *cluster
	topic      string
	partitions int32
	got        map[string]int // by value
	acked      map[string]bool
	again      int // values that came after they had been acknowledged
}

func newGroup(t *testing.T, ctx context.Context, c *cluster, topic string, partitions int32) *group {
	t.Helper()
	harnesstest.Topic(t, ctx, c.Admin, topic, int(partitions))
	return &group{cluster: c, topic: topic, partitions: partitions, got: map[string]int{}, acked: map[string]bool{}}
}

func (g *group) name() string { return "of-" + g.topic }

func (g *group) key() string { return "topics:" + g.topic + ":" + quick }

// produce writes values to the topic. The client is a new one: that of Go remembers a topic that is gone.
func (g *group) produce(t *testing.T, ctx context.Context, values []string) {
	t.Helper()
	admin := harnesstest.Admin(t, g.cluster.Brokers())
	for p := range g.partitions {
		if err := admin.Produce(ctx, g.topic, p, nil, values[int(p)*len(values)/int(g.partitions):int(p+1)*len(values)/int(g.partitions)]...); err != nil {
			t.Fatal(err)
		}
	}
}

// work gets and acknowledges records until it is done.
func (g *group) work(t *testing.T, ctx context.Context, c *redis.Client, done func() bool) {
	t.Helper()
	for !done() {
		r, err := next(ctx, c, g.key(), 1)
		switch {
		case errors.Is(err, redis.Nil):
			if ctx.Err() != nil {
				t.Fatalf("%d values have come, %d were acknowledged: %v", len(g.got), len(g.acked), ctx.Err())
			}
			continue
		case err != nil:
			t.Fatal(err)
		}
		g.got[r.value]++
		if g.acked[r.value] {
			g.again++
		}
		n, err := c.RPush(ctx, "acks", fmt.Sprintf("%s:%d:%d", r.topic, r.partition, r.offset)).Result()
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			g.acked[r.value] = true
		}
	}
}

// count is how many values with a prefix are in the set.
func count[V any](set map[string]V, prefix string) (n int) {
	for value := range set {
		if strings.HasPrefix(value, prefix) {
			n++
		}
	}
	return n
}

// expectCommitted waits until the group has committed something, but no more than an offset.
func (g *group) expectCommitted(t *testing.T, ctx context.Context, most int64) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		at, err := g.cluster.Admin.Committed(ctx, g.name(), g.topic, 0)
		if err == nil && (at < 0 || at > most) {
			err = fmt.Errorf("%d is committed, want 0 to %d", at, most)
		}
		return err
	})
}

// A topic is deleted and created again while a consumer works: what is committed of its old log, in the new one, must
// not survive a look of the proxy, or records of the new log would be left out after a crash.
func TestATopicIsCreatedAgain(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	for _, gap := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second} {
		for _, records := range []int{20, 1000} {
			topic := fmt.Sprintf("again-%d-%d", gap.Milliseconds(), records)
			t.Run(topic, func(t *testing.T) {
				t.Parallel()
				ctx := harnesstest.Within(t, patience) // it may have waited for its turn
				createdAgain(t, ctx, newGroup(t, ctx, c, topic, 1), gap, records)
			})
		}
	}
}

func createdAgain(t *testing.T, ctx context.Context, g *group, gap time.Duration, records int) {
	t.Helper()
	g.produce(t, ctx, numbered("old", 500))
	proxy := g.cluster.proxy(t, ctx)
	consumer := member(t, proxy, g.name()+":w")
	g.work(t, ctx, consumer, func() bool { return count(g.acked, "old") == 300 })
	if err := g.cluster.Admin.DeleteTopic(ctx, g.topic); err != nil {
		t.Fatal(err)
	}
	<-time.After(gap) // what the brokers and the consumer see of it meanwhile is what differs
	harnesstest.Until(t, ctx, func(ctx context.Context) error { return g.cluster.Admin.CreateTopic(ctx, g.topic, int(g.partitions)) })
	g.produce(t, ctx, numbered("new", records))
	g.work(t, ctx, consumer, func() bool { return count(g.acked, "new") >= records/5 })
	g.expectCommitted(t, ctx, int64(count(g.got, "new")))
	if err := proxy.Kill(); err != nil {
		t.Fatal(err)
	}
	g.work(t, ctx, member(t, g.cluster.proxy(t, ctx), g.name()+":w"), func() bool { return count(g.acked, "new") == records })
}

// The log ends before what is committed: it was restored from a copy, or somebody set the offset. What is handed out from
// its start on must not be taken for done when the log has grown.
func TestTheLogEndsBeforeWhatIsCommitted(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	g := newGroup(t, ctx, startCluster(t, ctx, 1), "restored", 1)
	g.produce(t, ctx, numbered("first", 1000))
	if err := g.cluster.Admin.Commit(ctx, g.name(), g.topic, 0, 5000); err != nil {
		t.Fatal(err)
	}
	proxy := g.cluster.proxy(t, ctx)
	g.work(t, ctx, member(t, proxy, g.name()+":w"), func() bool { return count(g.acked, "first") == 200 })
	g.expectCommitted(t, ctx, 200)
	if err := proxy.Kill(); err != nil {
		t.Fatal(err)
	}
	g.produce(t, ctx, numbered("second", 5000))
	g.work(t, ctx, member(t, g.cluster.proxy(t, ctx), g.name()+":w"), func() bool {
		return count(g.acked, "first")+count(g.acked, "second") == 6000
	})
}
