package consumer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// The parts of an engine whose methods are its own.
type (
	clusterPart = cluster.Cluster
	groupsPart  = Groups
)

// engine is groups together with the cluster that they ask, as kafka.Open puts them together.
type engine struct {
	*clusterPart
	*groupsPart
	life     *lifetime.Lifetime
	settings atomic.Pointer[config.Config]
}

// openOn opens an engine on the brokers that ends with the test; change edits its configuration.
func openOn(t *testing.T, brokers []string, change func(*config.Config)) *engine {
	t.Helper()
	return openLogging(t, brokers, slog.DiscardHandler, change)
}

// openLogging is openOn with a log.
func openLogging(t *testing.T, brokers []string, log slog.Handler, change func(*config.Config)) *engine {
	t.Helper()
	cfg := config.Defaults()
	cfg.Brokers, cfg.Consume.CommitInterval = brokers, 100*time.Millisecond
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	c := &engine{life: lifetime.New()}
	c.settings.Store(&cfg)
	c.clusterPart = cluster.New(&c.settings, slog.New(log), c.life)
	c.groupsPart = New(&c.settings, slog.New(log), c.life, c.clusterPart, DeadLetters{})
	c.clusterPart.Run(cluster.Engine{
		Groups: c.listGroups, Served: c.Served, Seek: c.Seek,
		Asked:   func(context.Context, cluster.Ask, []cluster.Heard, error) {},
		Changed: func(string) {},
	})
	c.groupsPart.Run()
	t.Cleanup(func() { _ = shut(c, kafkatest.Patience) })
	return c
}

// listGroups asks the brokers for groups with a producer's handle, as a client does.
func (c *engine) listGroups(name string, limit time.Duration) ([]librdkafka.Group, error) {
	p, err := librdkafka.NewProducer(c.settings.Load().ProducerProperties(config.Delivered))
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close(c.life.Context) }()
	return p.Groups(name, limit)
}

// ListenAddrs are the addresses of the engine's brokers.
func (c *engine) ListenAddrs() []string { return c.settings.Load().Brokers }

// shut closes the engine once; later calls do nothing.
func shut(c *engine, limit time.Duration) error {
	if c.life.Context.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c.life.Stop()
	c.life.End()
	err := c.life.Wait(ctx)
	c.clusterPart.Close(ctx)
	return err
}

var letters = record.TopicPartition{Topic: "letters", Partition: 0}

// lettersOn is a cluster with a topic of n records in one partition, and an engine on it.
func lettersOn(t *testing.T, n int, change func(*config.Config)) (*kfake.Cluster, *engine) {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), change)
	fill(t, c, "letters", n)
	return k, c
}

// fill writes n records to a topic, over all its partitions.
func fill(t *testing.T, c *engine, topic string, n int) {
	t.Helper()
	kafkatest.Fill(t, c, topic, n)
}

// fillPartition writes one record to a partition.
func fillPartition(t *testing.T, c *engine, topic string, partition int32) {
	t.Helper()
	kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Partition: partition, Value: []byte("a record")})
}

// fillEach writes a record to each partition.
func fillEach(t *testing.T, c *engine, topic string, partitions int) {
	t.Helper()
	for i := range int32(partitions) {
		fillPartition(t, c, topic, i)
	}
}

// worker is a member that waits for records.
type worker struct {
	*Member
	woken kafkatest.Bell
}

func join(t *testing.T, c *engine, name string, in SubscribeOptions) *worker {
	t.Helper()
	woken := kafkatest.NewBell()
	m, err := c.Join(Identity{"group", name}, in, woken.Ring)
	if err != nil {
		t.Fatal(err)
	}
	return &worker{m, woken}
}

func topicsOf(names ...string) SubscribeOptions { return SubscribeOptions{Topics: names} }

// next waits for up to limit records.
func (w *worker) next(t *testing.T, limit int) []ledger.Delivery {
	t.Helper()
	for {
		lent, err := w.Next(limit, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(lent) > 0 {
			return lent
		}
		kafkatest.Await(t, w.woken, "a record")
	}
}

// take waits for n records and returns their offsets, in the order in which they came.
func (w *worker) take(t *testing.T, n int) (offsets []int64) {
	t.Helper()
	for len(offsets) < n {
		for _, d := range w.next(t, n-len(offsets)) {
			offsets = append(offsets, d.Offset)
		}
	}
	return offsets
}

// quiet makes sure that nothing comes for so long.
func (w *worker) quiet(t *testing.T, long time.Duration) {
	t.Helper()
	over := time.After(long)
	for {
		if lent, err := w.Next(1, 1<<20, nil); err != nil || len(lent) > 0 {
			t.Fatalf("expected nothing, got %v %v", lent, err)
		}
		select {
		case <-w.woken:
		case <-over:
			w.StopWaiting()
			return
		}
	}
}

func wantTaken(t *testing.T, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("offsets %v, want %v", got, want)
	}
}

// committed waits until the group's committed offset of partition 0 is at.
func committed(t *testing.T, k *kfake.Cluster, topic string, at int64) {
	t.Helper()
	waitGroup(t, k, "the commit", func(g *kfake.GroupInfo) bool {
		commit, any := g.Commits[topic][0]
		return any && commit.Offset == at
	})
}

// everywhere tells whether something is true of all subscriptions. It asks in their own goroutines.
func everywhere(c *engine, is func(*subscription) bool) bool {
	for _, s := range c.open() {
		answer := make(chan bool, 1)
		if !s.do(func() { answer <- is(s) }) || !<-answer {
			return false
		}
	}
	return true
}

// waitGroup waits until looks is true of the group.
func waitGroup(t *testing.T, k *kfake.Cluster, what string, looks func(*kfake.GroupInfo) bool) *kfake.GroupInfo {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), kafkatest.Patience)
	defer cancel()
	g, err := k.WaitGroupInfo(ctx, "group", func(g *kfake.GroupInfo) bool { return g != nil && looks(g) })
	if err != nil {
		t.Fatalf("waited in vain for %s: %v; the group is %+v", what, err, k.GroupInfo("group"))
	}
	return g
}

// isTaken tells whether the error says that a connected member has the identity.
func isTaken(err error) bool {
	var taken *TakenError
	return errors.As(err, &taken)
}
