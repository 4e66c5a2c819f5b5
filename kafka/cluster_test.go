package kafka

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// openOn opens a client on the brokers that ends with the test; change edits its configuration.
func openOn(t *testing.T, brokers []string, change func(*config.Config)) *Client {
	t.Helper()
	cfg := config.Defaults()
	cfg.Brokers = brokers
	cfg.CommitInterval = 100 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shut(c, kafkatest.Patience) })
	return c
}

// shut closes the client once; later calls do nothing.
func shut(c *Client, limit time.Duration) error {
	if c.life.Context.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return c.Close(ctx)
}

// caller is a session that waits for what it produced.
type caller struct {
	*producer.Publisher
	woken producer.bell
}

func newCaller(t *testing.T, c *Client) *caller {
	t.Helper()
	woken := producer.newBell()
	p, err := c.Publisher(woken.ring)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{p, woken}
}

// outcomes waits for the ends of the n oldest records, and returns the first failure.
func (c *caller) outcomes(t *testing.T, n int) *producer.Error {
	t.Helper()
	for {
		if failure, ok := c.Take(n); ok {
			return failure
		}
		producer.await(t, c.woken, "delivery reports")
	}
}

// deliver produces one record and waits for its end, whether it was taken or not.
func (c *caller) deliver(t *testing.T, topic string, value []byte) *producer.Error {
	t.Helper()
	if err := c.Deliver([]byte(topic), nil, value); err != nil {
		return asProduceError(err, topic)
	}
	return c.outcomes(t, 1)
}

// fill produces n records to a topic, over all its partitions when they are many, and waits until they
// are in.
func fill(t *testing.T, c *Client, topic string, n int) {
	t.Helper()
	p := newCaller(t, c)
	defer p.Close()
	for sent := 0; sent < n; {
		batch := min(n-sent, 1000)
		for i := range batch {
			// Without a key, those that are produced together go to one partition.
			if err := p.Deliver([]byte(topic), []byte{byte(i)}, []byte("a record")); err != nil {
				t.Fatal(err)
			}
		}
		if failure := p.outcomes(t, batch); failure != nil {
			t.Fatal(failure)
		}
		sent += batch
	}
}

// worker is a member that waits for records.
type worker struct {
	*consumer.Member
	woken producer.bell
}

func join(t *testing.T, c *Client, name string, in consumer.SubscribeOptions) *worker {
	t.Helper()
	woken := producer.newBell()
	m, err := c.Join(consumer.Identity{"group", name}, in, woken.ring)
	if err != nil {
		t.Fatal(err)
	}
	return &worker{m, woken}
}

func topicsOf(names ...string) consumer.SubscribeOptions {
	return consumer.SubscribeOptions{Topics: names}
}

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
		producer.await(t, w.woken, "a record")
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
	waitGroup(t, k, "the commit", func(g *kfake.GroupInfo) bool { return g.Commits[topic][0].Offset == at })
}

// waitGroup waits until the group looks as it should.
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

func wantOutcome(t *testing.T, failure *producer.Error, want record.Outcome) {
	t.Helper()
	got := record.OK
	if failure != nil {
		got = failure.Outcome
	}
	if got != want {
		t.Fatalf("the record ended as %s (%v), want %s", got, failure, want)
	}
}

// isTaken tells whether a live connection has the identity.
func isTaken(err error) bool {
	var taken *consumer.TakenError
	return errors.As(err, &taken)
}

// asProduceError is what a session is told of a record that was not taken.
func asProduceError(err error, topic string) *producer.Error {
	var failure *producer.Error
	if errors.As(err, &failure) {
		return failure
	}
	return &producer.Error{Outcome: record.Retry, Topic: topic, Reason: err.Error()}
}

var letters = record.TopicPartition{Topic: "letters", Partition: 0}

// lettersOn is a cluster with a topic of n records in one partition, and a client on it.
func lettersOn(t *testing.T, n int, change func(*config.Config)) (*kfake.Cluster, *Client) {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), change)
	fill(t, c, "letters", n)
	return k, c
}
