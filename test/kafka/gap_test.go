//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A window of acknowledgements beyond a gap survives the end of its sluice: it is in the metadata of the commit, of which
// brokers take as much as they are told to. Every third offset may be a marker of a transaction.
func TestWhatIsAcknowledgedBeyondAGapSurvives(t *testing.T) {
	t.Parallel()
	c := startCluster(t, harnesstest.Within(t, patience), 1)
	for _, tt := range []struct {
		group  string
		marked bool
		config string
	}{
		{"classic", false, "kafka: {consumer: {session.timeout.ms: 2000, heartbeat.interval.ms: 300}}"},
		{"kip848", false, "kafka: {consumer: {group.protocol: consumer}}"},
		{"marked", true, "kafka: {consumer: {session.timeout.ms: 2000, heartbeat.interval.ms: 300}}"},
	} {
		t.Run(tt.group, func(t *testing.T) {
			t.Parallel()
			ctx := harnesstest.Within(t, patience)
			g := harnesstest.Gap{Admin: c.Admin, Group: tt.group, Topic: "orders-" + tt.group, Records: 10_000}
			if tt.marked {
				g.Records = 3000
			}
			harnesstest.Topic(t, ctx, c.Admin, g.Topic, 1)
			fillForGap(t, ctx, c, &g, tt.marked)
			open := func() *harness.Sluice { return c.proxy(t, ctx, tt.config) }
			g.Play(t, ctx, open(), open)
		})
	}
}

// fillForGap writes the records; marked, two in a transaction each.
func fillForGap(t *testing.T, ctx context.Context, c *cluster, g *harnesstest.Gap, marked bool) {
	t.Helper()
	if !marked {
		values := make([]string, g.Records)
		for i := range values {
			values[i] = fmt.Sprint(i)
		}
		if err := c.Admin.Produce(ctx, g.Topic, 0, nil, values...); err != nil {
			t.Fatal(err)
		}
		return
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.TransactionalID(g.Topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for range g.Records / 2 {
		err := producer.BeginTransaction()
		if err == nil {
			err = producer.ProduceSync(ctx, &kgo.Record{Topic: g.Topic, Value: []byte("a")}, &kgo.Record{Topic: g.Topic, Value: []byte("b")}).FirstErr()
		}
		if err == nil {
			err = producer.EndTransaction(ctx, kgo.TryCommit)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
