package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// changed is the client's configuration with an edit.
func changed(c *Client, edit func(*config.Config)) config.Config {
	cfg := *c.settings.Load()
	edit(&cfg)
	return cfg
}

func reconfigure(t *testing.T, c *Client, edit func(*config.Config)) {
	t.Helper()
	unchanged, err := c.Reconfigure(changed(c, edit))
	if err != nil || len(unchanged) > 0 {
		t.Fatalf("not reconfigured: %v, unchanged: %v", err, unchanged)
	}
}

func TestAnInvalidConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	before := c.settings.Load()
	for _, tt := range []struct {
		edit func(*config.Config)
		want string
	}{
		{func(cfg *config.Config) { cfg.Produce.InFlight = 0 }, "produce.in_flight"},
		{func(cfg *config.Config) { cfg.Producer = config.Properties{"x": "y"} }, "kafka.producer.x"},
		// librdkafka finds out only when it makes the producer, after the one of the other profile.
		{func(cfg *config.Config) {
			cfg.Produce.InFlight = 1
			cfg.Profiles = map[string]config.Properties{config.Delivered: {"linger.ms": "1"}, config.Buffered: {"acks": "1"}}
		}, "acks"},
	} {
		_, err := c.Reconfigure(changed(c, tt.edit))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("the error is %v, want one of %q", err, tt.want)
		}
	}
	if c.settings.Load() != before {
		t.Error("something changed")
	}
}

func TestWhatCannotChangeIsNamed(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	unchanged, err := c.Reconfigure(changed(c, func(cfg *config.Config) {
		cfg.Brokers = []string{"127.0.0.1:2"}
		cfg.Produce.InFlight = 7
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kafka.brokers"}, unchanged); diff != "" {
		t.Errorf("unchanged (-want +got):\n%s", diff)
	}
	now := c.settings.Load()
	if now.Brokers[0] != "127.0.0.1:1" || now.Produce.InFlight != 7 {
		t.Errorf("the configuration is %+v", now)
	}
}

func TestBoundsChangeAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Produce.MaxTopics, cfg.Consume.MaxSubscriptions = 1, 1 })
	if err := deliver(t, c, "one"); err != nil {
		t.Fatal(err)
	}
	join(t, c, "group", "one")
	other, in := consumer.Identity{Group: "other", Name: "a"}, consumer.SubscribeOptions{Topics: []string{"one"}}
	if _, err := c.Join(other, in, func() {}); err == nil {
		t.Error("before: a second subscription of one was opened")
	}
	if err := deliver(t, c, "two"); err == nil || !strings.HasPrefix(err.Error(), "rejected: ") {
		t.Errorf("before: a record of the second topic of one ended as %v", err)
	}
	reconfigure(t, c, func(cfg *config.Config) { cfg.Produce.MaxTopics, cfg.Consume.MaxSubscriptions = 2, 2 })
	if err := deliver(t, c, "two"); err != nil {
		t.Error(err)
	}
	join(t, c, "other", "one")
}

// A window, a grace and consumer properties belong to a subscription for as long as it is open.
func TestNewSubscriptionsGetNewWindows(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, func(cfg *config.Config) { cfg.Consume.WindowRecords = 3 })
	old := join(t, c, "group", "letters")
	old.take(t, 3)
	reconfigure(t, c, func(cfg *config.Config) {
		cfg.Consume.WindowRecords, cfg.Consumer = 5, config.Properties{"auto.offset.reset": "latest"}
	})
	if _, err := old.Next(1, 1<<20, nil); err == nil {
		t.Error("the window of an open subscription has changed")
	}
	w := join(t, c, "other", "letters")
	kafkatest.Eventually(t, "the assignment", func() bool { return c.Status().Subscriptions[1].Partitions == 1 })
	kafkatest.Eventually(t, "a record from after the change", func() bool {
		kafkatest.Fill(t, k, "letters", 1)
		lent, err := w.Next(1, 1<<20, nil)
		return err == nil && len(lent) == 1 && lent[0].Offset >= 10
	})
	kafkatest.Fill(t, k, "letters", 10)
	w.take(t, 4)
	if _, err := w.Next(1, 1<<20, nil); err == nil {
		t.Error("a window of 5 takes 6 records")
	}
}

func TestReconfigureDuringClose(t *testing.T) {
	t.Parallel()
	for range 5 {
		k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
		c := openOn(t, k.ListenAddrs(), nil)
		if err := deliver(t, c, "letters"); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			for i := range 5 {
				edit := func(cfg *config.Config) {
					cfg.Properties = config.Properties{"client.id": fmt.Sprint("sluice", i)}
				}
				if _, err := c.Reconfigure(changed(c, edit)); err != nil && !errors.Is(err, kerr.ErrStopping) {
					t.Error(err)
				}
			}
		})
		if err := shut(c, kafkatest.Patience); err != nil {
			t.Error(err)
		}
		both.Wait()
		if _, err := c.TopicNames(t.Context()); err == nil {
			t.Error("a closed client still asks")
		}
	}
}

func TestAdministrationGoesOnWithOtherProperties(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	for i := range 3 {
		names, err := c.TopicNames(t.Context())
		if err != nil || !slices.Equal(names, []string{"letters"}) {
			t.Fatalf("topics %v, %v", names, err)
		}
		reconfigure(t, c, func(cfg *config.Config) { cfg.Properties = config.Properties{"client.id": fmt.Sprint("sluice", i)} })
	}
}
