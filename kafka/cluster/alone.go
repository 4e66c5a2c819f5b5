package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Alone is a Cluster for a command that asks and ends: it serves no group, and nothing runs beside its questions. end
// waits, until its context ends, for what the questions have left.
func Alone(cfg config.Config) (c *Cluster, end func(context.Context)) {
	settings := &atomic.Pointer[config.Config]{}
	settings.Store(&cfg)
	life := lifetime.New()
	c = New(settings, slog.New(slog.DiscardHandler), life)
	c.engine = Engine{
		Groups: c.groupsAlone,
		Served: func() map[string]Served { return nil },
		Seek: func(_ context.Context, _ string, at []record.PartitionOffset) ([]record.PartitionOffset, error) {
			return at, nil
		},
	}
	return c, func(ctx context.Context) {
		life.Stop()
		life.End()
		_ = life.Wait(ctx)
		c.Close(ctx)
	}
}

// groupsAlone learns which brokers there are, and asks them.
func (c *Cluster) groupsAlone(name string, limit time.Duration) (groups []librdkafka.Group, err error) {
	ctx, cancel := context.WithTimeout(c.life.Context, limit)
	defer cancel()
	err = c.Ask(func(a *Admin) error {
		if _, err := a.metadata(ctx, false); err != nil {
			return err
		}
		groups, err = a.handle.Groups(name, timeLeft(ctx))
		return err
	})
	return groups, err
}

// GroupsWithOffsets is Groups, each with its offsets as GroupOffsets reads them.
func (c *Cluster) GroupsWithOffsets(ctx context.Context) ([]Group, error) {
	groups, err := c.Groups(ctx)
	if err != nil {
		return nil, err
	}
	failed := make([]error, len(groups))
	var all sync.WaitGroup
	for i := range groups {
		all.Go(func() { failed[i] = c.readOffsets(ctx, &groups[i], nil) })
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// AllTopics reads all topics of the cluster with their offsets, in order, internal ones left out.
func (c *Cluster) AllTopics(ctx context.Context) (topics []Topic, err error) {
	err = c.Ask(func(a *Admin) error {
		topics, err = a.Topics(ctx)
		return err
	})
	return topics, kerr.Asked(err)
}

// TopicWithOffsets reads one topic with its offsets.
func (c *Cluster) TopicWithOffsets(ctx context.Context, name string) (topic Topic, err error) {
	err = c.Ask(func(a *Admin) error {
		topic, err = a.Topic(ctx, name)
		return err
	})
	return topic, kerr.Asked(err)
}
