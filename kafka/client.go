package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// The parts of a client, by names that stay inside.
type (
	clusterPart  = cluster.Cluster
	producerPart = Producers
	groupPart    = Groups
	readerPart   = reader.Reader
)

// Client is the proxy's whole side towards Kafka: the shared producers, the subscriptions and the
// administrative reads. All methods may be called from any goroutine.
type Client struct {
	*clusterPart
	*producerPart
	*groupPart
	*readerPart

	settings atomic.Pointer[config.Config]
	log      *slog.Logger
	life     *lifetime.Lifetime
	changes  sync.Mutex // held while the configuration is changed
}

// Open starts a client. Its configuration must be valid; no broker needs to be reachable.
func Open(cfg config.Config, log *slog.Logger) (*Client, error) {
	librdkafka.BoundArenas(arenas)
	c := &Client{log: log, life: lifetime.New()}
	c.settings.Store(&cfg)
	c.clusterPart = cluster.New(&c.settings, log, c.life)
	producers, err := openProducers(&c.settings, log, c.life, c.clusterPart)
	if err != nil {
		c.life.End()
		return nil, err
	}
	c.producerPart = producers
	c.groupPart = newGroups(&c.settings, log, c.life, c.clusterPart)
	c.readerPart = reader.New(&c.settings, c.life, c.clusterPart, c.groupPart.memory.bound)
	c.clusterPart.Run(cluster.Engine{Groups: producers.groups, Served: c.groupPart.served, Seek: c.groupPart.Seek, Asked: producers.asked})
	c.groupPart.run()
	return c, nil
}

// arenas bounds malloc's arenas for the process; see librdkafka.BoundArenas.
const arenas = 4

// Close stops taking records, lets every subscription commit and leave, sends what is queued and
// closes the producers, each until ctx ends. The error says how many records were not delivered since
// Stopping.
func (c *Client) Close(ctx context.Context) error {
	c.Stopping()
	c.awaitTopics(ctx)
	c.beginToStop()
	c.life.End()
	err := c.life.Wait(ctx)
	c.readerPart.Close(ctx)
	c.producerPart.close(ctx)
	c.clusterPart.Close(ctx)
	switch n := c.undelivered(); n {
	case 0:
		return err
	case 1:
		return errors.Join(err, errors.New("1 record was not delivered"))
	default:
		return errors.Join(err, fmt.Errorf("%d records were not delivered", n))
	}
}

// beginToStop waits for a change of the configuration, and lets none begin any more.
func (c *Client) beginToStop() {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.life.Stop()
}

// Version is the version of the linked librdkafka, such as "2.15.1".
func Version() string { return librdkafka.Version() }

// ValidTopic tells whether Kafka takes a name for a topic; see record.ValidTopic.
func ValidTopic(name string) bool { return record.ValidTopic(name) }
