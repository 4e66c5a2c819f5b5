//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// What a group's only proxy was acknowledged does not come again, whatever becomes of the group's coordinator: it is
// committed to the next one, also when the partitions were lost in between.
func TestTheCoordinatorIsLost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := startCluster(t, ctx, 3)
	g := newGroup(t, ctx, c, "letters", 4)
	proxy := c.proxy(t, ctx)
	for _, loss := range []struct {
		name string
		of   func(context.Context, *cluster, *harness.KafkaNode) error
	}{
		{"killed", killed}, {"frozen", frozen}, {"all frozen", allFrozen},
	} {
		t.Run(loss.name, func(t *testing.T) {
			values := numbered(loss.name, 8000)
			g.produce(t, ctx, values)
			consumer := member(t, proxy, g.name()+":w")
			g.work(t, ctx, consumer, func() bool { return count(g.acked, loss.name) >= 2000 })
			id, err := c.admin.Coordinator(ctx, g.name())
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- loss.of(ctx, c, c.Nodes[id-1]) }()
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
		if err := c.admin.DeleteTopic(ctx, g.topic); err != nil {
			t.Fatal(err)
		}
		err := harness.Until(ctx, func(ctx context.Context) error { return c.admin.CreateTopic(ctx, g.topic, int(g.partitions)) })
		if err != nil {
			t.Fatal(err)
		}
		g.produce(t, ctx, numbered("new", 400))
		g.work(t, ctx, consumer, func() bool { return count(g.acked, "new") == 400 })
	})
}

func killed(ctx context.Context, c *cluster, n *harness.KafkaNode) error {
	if err := n.Kill(); err != nil {
		return err
	}
	time.Sleep(5 * time.Second) // as long as the machine takes to come back
	if err := n.Start(); err != nil {
		return err
	}
	return c.Ready(ctx)
}

// longer than the session timeout of quick.
const freeze = 6 * time.Second

func frozen(_ context.Context, _ *cluster, n *harness.KafkaNode) error {
	if err := n.Pause(); err != nil {
		return err
	}
	time.Sleep(freeze)
	return n.Resume()
}

func allFrozen(_ context.Context, c *cluster, _ *harness.KafkaNode) error {
	for _, n := range c.Nodes {
		if err := n.Pause(); err != nil {
			return err
		}
	}
	time.Sleep(freeze)
	for _, n := range c.Nodes {
		if err := n.Resume(); err != nil {
			return fmt.Errorf("node %d: %w", n.ID, err)
		}
	}
	return nil
}
