package operations

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A scrape tells of every connection and group, and is small: connections add nothing to it.
func TestAScrapeTellsOfEverybody(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	s := crowd(t, ctx, 200, 5)
	few := strings.Count(scrapeOften(t, ctx, s, 20), "\n")
	const more = 200
	for i := range more {
		c, err := dial(ctx, s.Addr, i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	harnesstest.Until(t, ctx, func(ctx context.Context) error { return complete(ctx, s, 400, 5) })
	// Some series begin with what they count, as those of a broker, and may come meanwhile. They are fewer.
	if many := strings.Count(scrapeOften(t, ctx, s, 1), "\n"); many-few >= more {
		t.Errorf("%d lines with 400 connections, %d with 200", many, few)
	}
}

// crowd is a proxy with so many idle connections, and so many groups with two members, of which one
// has a record in its hands.
func crowd(t *testing.T, ctx context.Context, connections, groups int) *harness.Sluice {
	t.Helper()
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, cluster.Admin, letters, 2)
	if err := cluster.Admin.Produce(ctx, letters, 0, nil, "one", "two"); err != nil {
		t.Fatal(err)
	}
	config := harnesstest.Config(t, oftenLag, fmt.Sprintf("resp: {max_clients: %d}", connections+2*groups+210))
	s := start(t, ctx, harness.SluiceOptions{Brokers: cluster.Brokers(), Args: []string{"--config", config}})
	for i := range connections {
		c, err := dial(ctx, s.Addr, i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	var joining sync.WaitGroup
	for g := range groups {
		joining.Go(func() {
			if err := takePart(t, ctx, s, fmt.Sprintf("group-%d", g)); err != nil {
				t.Errorf("group %d: %v", g, err)
			}
		})
	}
	joining.Wait()
	harnesstest.Until(t, ctx, func(ctx context.Context) error { return complete(ctx, s, connections, groups) })
	return s
}

// takePart sits two members down, and lets one of them take a record.
func takePart(t *testing.T, ctx context.Context, s *harness.Sluice, group string) error {
	for _, one := range []struct{ name, timeout string }{{":worker", "30"}, {":waits", "0.05"}} {
		c, err := dial(ctx, s.Addr, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.do("CLIENT", "SETNAME", group+one.name); err != nil {
			return err
		}
		records, err := c.next("topics:"+letters, one.timeout)
		if err != nil || (len(records) == 1) != (one.name == ":worker") {
			return fmt.Errorf("%s got %v, %w", one.name, records, err)
		}
	}
	return nil
}

// complete checks that the metrics tell of all of the crowd.
func complete(ctx context.Context, s *harness.Sluice, connections, groups int) error {
	m, err := s.Scrape(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	expect := func(want int, name string, labels ...string) {
		if got := m.Sum(name, labels...); got != float64(want) {
			wrong = append(wrong, fmt.Sprintf("%s%v is %v, want %d", name, labels, got, want))
		}
	}
	expect(connections+2*groups, "sluice_connections")
	expect(groups, "sluice_subscriptions")
	expect(2*groups, "sluice_group_members", "state", "connected")
	expect(groups, "sluice_consume_leased_messages")
	expect(groups, "sluice_consume_lent_messages_total")
	expect(2*groups, "sluice_assignment_partitions")
	expect(2*groups, "sluice_consumer_group_lag_messages")
	expect(0, "sluice_scrape_series_dropped")
	for g := range groups {
		expect(1, "sluice_consume_leased_messages", "group", fmt.Sprintf("group-%d", g))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the metrics are incomplete: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// scrapeOften reads the metrics n times, and returns the last text.
func scrapeOften(t *testing.T, ctx context.Context, s *harness.Sluice, n int) (text string) {
	t.Helper()
	for range n {
		status, body, err := s.Get(ctx, "/metrics")
		if err != nil || status != 200 {
			t.Fatalf("scrape: %d, %v", status, err)
		}
		text = body
	}
	return text
}
