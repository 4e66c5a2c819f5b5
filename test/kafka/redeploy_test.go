package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	members = 8
	records = 2000
	// A record would wait for so long if a member that comes back did not get its partitions again at once.
	memberGrace = "consume: {member_grace: 1h}"
)

// Redeploying the members of a group one after the other, while records flow: no rebalance, no
// pause, nothing lost.
func TestRedeployWithoutRebalance(t *testing.T) {
	ctx := harnesstest.Within(t, patience)
	addr, admin, joins := start(t, ctx, "--config", harnesstest.Config(t, memberGrace))
	f := &flow{admin: admin, got: make([]atomic.Bool, records)}
	workers := make([]*worker, members)
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer running.Wait()
	defer stop()
	for i := range workers {
		workers[i] = &worker{addr: addr, name: fmt.Sprintf("app:worker-%d", i), flow: f}
		running.Go(func() { workers[i].run(t, ctx) })
	}
	f.produce(t, ctx, 0, records/2)
	f.wait(t, ctx, records/2)

	before := joins.Load()
	if before == 0 {
		t.Fatal("nobody joined a group: the count is wrong")
	}
	running.Go(func() { f.produce(t, ctx, records/2, records) })
	for _, w := range workers {
		w.redeploy(t, ctx)
	}
	f.wait(t, ctx, records)
	if n := joins.Load() - before; n != 0 {
		t.Errorf("%d JoinGroup requests while %d members were redeployed, want 0", n, members)
	}
}

// start brings up a fake cluster that counts JoinGroup requests, a topic with as many partitions
// as there are members, and a proxy with the arguments.
func start(t *testing.T, ctx context.Context, args ...string) (addr string, admin *harness.Admin, joins *atomic.Int64) {
	t.Helper()
	fake := harnesstest.Fake(t, harness.FakeOptions{})
	joins = new(atomic.Int64)
	fake.Cluster.ControlKey(int16(kmsg.JoinGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.Cluster.KeepControl()
		joins.Add(1)
		return nil, nil, false
	})
	harnesstest.Topic(t, ctx, fake.Admin, "orders", members)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{Brokers: fake.Brokers(), Args: args})
	return sluice.Addr, fake.Admin, joins
}

// flow is which records have come; the value of each is its index.
type flow struct {
	admin *harness.Admin
	got   []atomic.Bool
}

func (f *flow) produce(t *testing.T, ctx context.Context, from, to int) {
	for i := from; i < to; i++ {
		if err := f.admin.Produce(ctx, "orders", int32(i%members), nil, strconv.Itoa(i)); err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
	}
}

// wait returns when the first n records have come.
func (f *flow) wait(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	harnesstest.Until(t, ctx, func(context.Context) error {
		for i := range n {
			if !f.got[i].Load() {
				return fmt.Errorf("record %d of %d has not come", i, n)
			}
		}
		return nil
	})
}

// worker is a member that is sometimes replaced by a new process of the same name.
type worker struct {
	addr, name string
	flow       *flow

	mu    sync.Mutex
	conn  *redis.Client
	lives int // how many connections have been answered
}

func (w *worker) run(t *testing.T, ctx context.Context) {
	for ctx.Err() == nil {
		c := redis.NewClient(&redis.Options{
			Addr: w.addr, ClientName: w.name, PoolSize: 1, MaxRetries: -1, ReadTimeout: patience,
		})
		w.mu.Lock()
		w.conn = c
		w.mu.Unlock()
		err := w.live(ctx, c)
		if redisErr := redis.Error(nil); errors.As(err, &redisErr) {
			t.Errorf("%s: %v", w.name, err)
			return
		}
	}
}

// live consumes on one connection until it is closed.
func (w *worker) live(ctx context.Context, c *redis.Client) error {
	defer c.Close()
	for first := true; ctx.Err() == nil; first = false {
		a, err := c.Do(ctx, "BLPOP", "topics:orders", 0.2).Slice()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if first {
			w.mu.Lock()
			w.lives++
			w.mu.Unlock()
		}
		if err != nil {
			continue
		}
		if err := w.flow.settle(ctx, c, a); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *flow) settle(ctx context.Context, c *redis.Client, a []any) error {
	i, err := strconv.Atoi(fmt.Sprint(a[7]))
	if err != nil {
		return err
	}
	f.got[i].Store(true)
	return c.RPush(ctx, "acks", fmt.Sprintf("%v:%v:%v", a[1], a[3], a[5])).Err()
}

// redeploy cuts the worker's connection and returns when its successor was answered.
func (w *worker) redeploy(t *testing.T, ctx context.Context) {
	t.Helper()
	w.mu.Lock()
	lives := w.lives
	_ = w.conn.Close()
	w.mu.Unlock()
	harnesstest.Until(t, ctx, func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.lives == lives {
			return fmt.Errorf("%s is not back", w.name)
		}
		return nil
	})
}
