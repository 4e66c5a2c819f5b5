package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// fakeCluster starts a fake Kafka cluster of one broker that ends with the test.
func fakeCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

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
		Asked: func(context.Context, Ask, []Heard, error) {},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c.life.Stop()
		c.life.End()
		_ = c.life.Wait(ctx)
		c.Close(ctx)
		_ = handle.Close(ctx)
	})
	return c
}

// bounded is a context for what must come.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
