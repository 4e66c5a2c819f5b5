package kafka

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// openOn opens a client on the brokers that ends with the test; change edits its configuration.
func openOn(t *testing.T, brokers []string, change func(*config.Config)) *Client {
	t.Helper()
	cfg := config.Defaults()
	cfg.Brokers = brokers
	cfg.Consume.CommitInterval = 100 * time.Millisecond
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

// lettersOn is a cluster with a topic of n records in one partition, and a client on it.
func lettersOn(t *testing.T, n int, change func(*config.Config)) (*kfake.Cluster, *Client) {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	kafkatest.Fill(t, k, "letters", n)
	return k, openOn(t, k.ListenAddrs(), change)
}

// buffer produces n records and waits for none of them.
func buffer(t *testing.T, c *Client, n int) {
	t.Helper()
	p, err := c.Publisher(func() {})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Push()
}

// deliver produces one record and waits for its end; the error says why it is not written.
func deliver(t *testing.T, c *Client, topic string) error {
	t.Helper()
	woken := kafkatest.NewBell()
	p, err := c.Publisher(woken.Ring)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Deliver([]byte(topic), nil, []byte("x")); err != nil {
		return err
	}
	for {
		if failure, ok := p.Take(1); failure != nil {
			return failure
		} else if ok {
			return nil
		}
		kafkatest.Await(t, woken, "a delivery report")
	}
}

// worker is a member that waits for records.
type worker struct {
	*consumer.Member
	woken kafkatest.Bell
}

// join makes a member of a group that reads a topic.
func join(t *testing.T, c *Client, group, topic string) *worker {
	t.Helper()
	woken := kafkatest.NewBell()
	m, err := c.Join(consumer.Identity{Group: group, Name: "a"}, consumer.SubscribeOptions{Topics: []string{topic}}, woken.Ring)
	if err != nil {
		t.Fatal(err)
	}
	return &worker{m, woken}
}

// take waits for n records.
func (w *worker) take(t *testing.T, n int) {
	t.Helper()
	for taken := 0; taken < n; {
		lent, err := w.Next(n-taken, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		if taken += len(lent); len(lent) == 0 {
			kafkatest.Await(t, w.woken, "a record")
		}
	}
}

// What was accepted and not delivered must be told.
func TestCloseSaysHowManyRecordsWereNotDelivered(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1 record was not delivered", 3: "3 records were not delivered"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := openOn(t, []string{"127.0.0.1:1"}, nil)
			buffer(t, c, n)
			if err := shut(c, time.Second); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("Close says %v", err)
			}
		})
	}
}

// What waits for its topic when the process is told to end goes to Kafka all the same: brokers are there.
func TestWhatWaitsForItsTopicIsDeliveredAtTheEnd(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	buffer(t, c, 3)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Error(err)
	}
	if s := c.Stats(); s.Accepted != 3 || s.Ended[record.OK] != 3 {
		t.Errorf("not all are delivered: %+v", s)
	}
}

func TestNothingIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	if err := deliver(t, c, "letters"); err != nil {
		t.Fatal(err)
	}
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, c, "letters"); err == nil || !strings.HasPrefix(err.Error(), "retry: ") {
		t.Errorf("after Close a record ended as %v", err)
	}
	in := consumer.SubscribeOptions{Topics: []string{"letters"}}
	if _, err := c.Join(consumer.Identity{Group: "group", Name: "a"}, in, func() {}); !errors.Is(err, kerr.ErrStopping) {
		t.Errorf("joined after Close: %v", err)
	}
}

func TestOpenNamesTheProfileThatCannotBe(t *testing.T) {
	cfg := config.Defaults()
	cfg.Brokers = []string{"localhost:9092"}
	cfg.Profiles = map[string]config.Properties{config.Buffered: {"acks": "0"}} // idempotence needs all
	c, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = shut(c, kafkatest.Patience)
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "producer profile buffered: ") {
		t.Errorf("%q does not name the profile", err)
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "2.") {
		t.Errorf("version %q", v)
	}
}
