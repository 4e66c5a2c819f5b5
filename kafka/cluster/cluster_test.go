package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// openOn asks the brokers for a proxy that serves no group, until the test ends.
func openOn(t *testing.T, brokers []string) *Cluster {
	t.Helper()
	cfg := config.Defaults()
	cfg.Brokers = brokers
	settings := &atomic.Pointer[config.Config]{}
	settings.Store(&cfg)
	handle, err := librdkafka.NewProducer(cfg.ProducerProperties(config.Delivered))
	if err != nil {
		t.Fatal(err)
	}
	c := New(settings, slog.New(slog.DiscardHandler), lifetime.New())
	c.Run(Engine{
		Groups: handle.Groups,
		Served: func() map[string]Served { return nil },
		Seek: func(context.Context, string, []record.PartitionOffset) ([]record.PartitionOffset, error) {
			return nil, nil
		},
		Asked:   func(context.Context, Ask, []Heard, error) {},
		Changed: func(string) {},
	})
	t.Cleanup(func() {
		_ = shut(c)
		_ = handle.Close(kafkatest.Bounded(t))
	})
	return c
}

// shut closes the cluster once; later calls do nothing.
func shut(c *Cluster) error {
	if c.life.Context.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), kafkatest.Patience)
	defer cancel()
	c.life.Stop()
	c.life.End()
	defer c.Close(ctx)
	return c.life.Wait(ctx)
}
