//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	partitions = 4
	lot        = 400 // records per lot, over all partitions
)

// Two proxies in one Kafka group share the work; one is killed, the other takes over, and nothing
// is lost. Once with each group protocol.
func TestTwoProxiesInOneGroup(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	overrides := map[string]string{
		"classic":  `{"group.protocol":"classic","session.timeout.ms":2000,"heartbeat.interval.ms":300}`,
		"consumer": `{"group.protocol":"consumer"}`,
	}
	for protocol, json := range overrides {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			ctx := harnesstest.Within(t, patience) // it may have waited for its turn
			topic, group := "orders-"+protocol, "app-"+protocol
			harnesstest.Topic(t, ctx, c.Admin, topic, partitions)
			shareAndTakeOver(t, ctx, c, topic, group, "topics:"+topic+":"+json)
		})
	}
}

func shareAndTakeOver(t *testing.T, ctx context.Context, c *cluster, topic, group, key string) {
	t.Helper()
	victim, survivor := c.proxy(t, ctx), c.proxy(t, ctx)
	done := newWork()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for name, proxy := range map[string]*harness.Sluice{"victim": victim, "survivor": survivor} {
		consumer := member(t, proxy, group+":"+name)
		running.Go(func() {
			err := done.consume(ctx, consumer, name, key)
			if ctx.Err() == nil && name == "survivor" {
				t.Errorf("the survivor's consumer: %v", err)
			}
		})
	}
	expectHolding(t, ctx, c, group, 2)

	first := c.fill(t, ctx, topic, "first")
	done.expectAll(t, ctx, first)
	if v, s := done.by("victim"), done.by("survivor"); v == 0 || s == 0 {
		t.Errorf("the work was not shared: %d and %d records", v, s)
	}

	// While the second lot is being worked on, one of the two dies.
	second := numbered("second", lot)
	running.Go(func() { c.fill(t, ctx, topic, "second") })
	before := done.by("victim")
	harnesstest.Until(t, ctx, func(context.Context) error {
		if done.by("victim") == before {
			return fmt.Errorf("the victim has got nothing of the second lot")
		}
		return nil
	})
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	done.expectAll(t, ctx, second)
	c.expectCommittedAll(t, ctx, group, topic)
}

// fill writes one lot, spread over the partitions, and returns its values.
func (c *cluster) fill(t *testing.T, ctx context.Context, topic, name string) []string {
	t.Helper()
	values := numbered(name, lot)
	for i := range lot / partitions {
		for p := range partitions {
			if err := c.Admin.Produce(ctx, topic, int32(p), nil, values[i*partitions+p]); err != nil {
				t.Error(err)
				return nil
			}
		}
	}
	return values
}

// expectHolding waits until so many members of the group have partitions.
func expectHolding(t *testing.T, ctx context.Context, c *cluster, group string, want int) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		holding, all, err := c.Admin.Members(ctx, group)
		if err == nil && holding != want {
			err = fmt.Errorf("%d of %d members of %s hold partitions, want %d", holding, all, group, want)
		}
		return err
	})
}

// expectCommittedAll waits until the group has committed the end of every partition.
func (c *cluster) expectCommittedAll(t *testing.T, ctx context.Context, group, topic string) {
	t.Helper()
	ends, err := c.Admin.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for p, end := range ends {
		err := harness.Until(ctx, func(ctx context.Context) error {
			at, err := c.Admin.Committed(ctx, group, topic, int32(p))
			if err == nil && at != end {
				err = fmt.Errorf("%s/%d is committed up to %d of %d", topic, p, at, end)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
