//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A topic that lacks replicas costs a healthy one that the same broker leads neither an answer nor a record, nor its
// order.
func TestAnUnderReplicatedNeighbour(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 3)
	for name, insync := range map[string]string{"starved": "3", "healthy": "2"} {
		o := harness.TopicOptions{Partitions: 1, Replicas: []int32{1, 2, 3}, Properties: map[string]string{"min.insync.replicas": insync}}
		if err := c.Admin.CreateTopicAs(ctx, name, o); err != nil {
			t.Fatal(err)
		}
	}
	s := c.proxy(t, ctx)
	buffered := connection(t, s, "neighbours:buffered")
	var want []string
	send := func() {
		batch := numbered(fmt.Sprint(len(want)), 5)
		want = append(want, batch...)
		push(t, ctx, buffered, "RPUSHX", "healthy", batch)
	}
	send()
	if err := member(t, s, "neighbours:first").Do(ctx, "RPUSH", "topics:starved", "whole").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[2].Kill(); err != nil {
		t.Fatal(err)
	}
	starved := make(chan error, 2)
	for i := range cap(starved) {
		r := member(t, s, fmt.Sprintf("neighbours:starved-%d", i))
		go func() { starved <- r.Do(ctx, "RPUSH", "topics:starved", "x").Err() }()
	}
	delivered := member(t, s, "neighbours:delivered")
	for ended := 0; ended < cap(starved); {
		if err := delivered.Do(ctx, "RPUSH", "topics:healthy", "delivered").Err(); err != nil {
			t.Fatalf("RPUSH to the healthy topic: %v", err)
		}
		send()
		select {
		case err := <-starved:
			ended++
			if err == nil || strings.HasPrefix(err.Error(), "PROD rejected") {
				t.Errorf("RPUSH to the topic that lacks a replica: %v", err)
			}
		default:
		}
	}
	if n, err := buffered.Do(ctx, "DUMP", 30000).Int(); n != 0 || err != nil {
		t.Errorf("DUMP answers %d, %v", n, err)
	}
	if got := bufferedIn(t, ctx, c, "healthy"); !slices.Equal(got, want) {
		t.Errorf("%d buffered records are in the log, want %d, each once and in order", len(got), len(want))
	}
}

// bufferedIn are the values of a topic that RPUSHX brought, in the order of the log.
func bufferedIn(t *testing.T, ctx context.Context, c *cluster, topic string) (values []string) {
	t.Helper()
	records, err := c.Admin.Records(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if v := string(r.Value); v != "delivered" {
			values = append(values, v)
		}
	}
	return values
}
