//go:build kafka

package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// What a group's only proxy was acknowledged does not come again, whatever becomes of the group's coordinator: it is
// committed to the next one, also when the partitions were lost in between.
func TestTheCoordinatorIsLost(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 3)
	g := newGroup(t, ctx, c, "letters", 4)
	proxy := c.proxy(t, ctx)
	for _, loss := range []struct {
		name string
		of   func(context.Context, *group, *harness.Sluice, *harness.KafkaNode) error
	}{
		{"killed", killed}, {"frozen", frozen}, {"all frozen", allFrozen},
	} {
		t.Run(loss.name, func(t *testing.T) {
			values := numbered(loss.name, 8000)
			g.produce(t, ctx, values)
			consumer := member(t, proxy, g.name()+":w")
			g.work(t, ctx, consumer, func() bool { return count(g.acked, loss.name) >= 2000 })
			id, err := c.Admin.Coordinator(ctx, g.name())
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- loss.of(ctx, g, proxy, c.Nodes[id-1]) }()
			g.work(t, ctx, consumer, func() bool { return count(g.acked, loss.name) == len(values) })
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if g.again > 0 {
				t.Errorf("%d records came again after their acknowledgement", g.again)
			}
			g.again = 0
			if err := consumer.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("then the topic is created again", func(t *testing.T) { // with leaders whose epoch is above 0
		consumer := member(t, proxy, g.name()+":w")
		if err := c.Admin.DeleteTopic(ctx, g.topic); err != nil {
			t.Fatal(err)
		}
		harnesstest.Until(t, ctx, func(ctx context.Context) error { return c.Admin.CreateTopic(ctx, g.topic, int(g.partitions)) })
		g.produce(t, ctx, numbered("new", 400))
		g.work(t, ctx, consumer, func() bool { return count(g.acked, "new") == 400 })
	})
}

// killed kills a coordinator, and starts it again when there is another.
func killed(ctx context.Context, g *group, _ *harness.Sluice, n *harness.KafkaNode) error {
	if err := n.Kill(); err != nil {
		return err
	}
	err := harness.Until(ctx, func(ctx context.Context) error {
		id, err := g.cluster.Admin.Coordinator(ctx, g.name())
		if err == nil && id == n.ID {
			err = fmt.Errorf("node %d is still the coordinator", id)
		}
		return err
	})
	return errors.Join(err, n.Start())
}

// frozen freezes a coordinator until the proxy has lost its partitions.
func frozen(ctx context.Context, _ *group, proxy *harness.Sluice, n *harness.KafkaNode) error {
	return freeze(ctx, proxy, n)
}

func allFrozen(ctx context.Context, g *group, proxy *harness.Sluice, _ *harness.KafkaNode) error {
	return freeze(ctx, proxy, g.cluster.Nodes...)
}

func freeze(ctx context.Context, proxy *harness.Sluice, nodes ...*harness.KafkaNode) error {
	before, err := rebalances(ctx, proxy)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		err = errors.Join(err, n.Pause())
	}
	err = errors.Join(err, harness.Until(ctx, func(ctx context.Context) error {
		now, err := rebalances(ctx, proxy)
		if err == nil && now == before {
			err = errors.New("the proxy has not lost its partitions")
		}
		return err
	}))
	for _, n := range nodes {
		err = errors.Join(err, n.Resume())
	}
	return err
}

func rebalances(ctx context.Context, proxy *harness.Sluice) (float64, error) {
	metrics, err := proxy.Scrape(ctx)
	if err != nil {
		return 0, err
	}
	return metrics.Sum("sluice_rebalances_total"), nil
}
