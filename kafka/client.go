package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// The parts of a client, by names that stay inside.
type (
	cluster   = Cluster
	producers = Producers
	groups    = Groups
	reader    = Reader
)

// Client is the proxy's whole side towards Kafka: the shared producers, the subscriptions and the
// administrative reads. All methods may be called from any goroutine.
type Client struct {
	*cluster
	*producers
	*groups
	*reader

	settings atomic.Pointer[Config]
	log      *slog.Logger
	life     *lifetime
	changes  sync.Mutex // held while the configuration is changed
}

// Open starts a client. Its configuration must be valid; no broker needs to be reachable.
func Open(cfg Config, log *slog.Logger) (*Client, error) {
	librdkafka.BoundArenas(arenas)
	c := &Client{log: log, life: newLifetime()}
	c.settings.Store(&cfg)
	c.cluster = newCluster(&c.settings, log, c.life)
	producers, err := openProducers(&c.settings, log, c.life, c.cluster)
	if err != nil {
		c.life.end()
		return nil, err
	}
	c.producers = producers
	c.groups = newGroups(&c.settings, log, c.life, c.cluster)
	c.reader = newReader(&c.settings, c.life, c.cluster, c.groups.memory.bound)
	c.cluster.run(Engine{Handle: producers.handle, Served: c.groups.served, Seek: c.groups.Seek, Asked: producers.asked})
	c.groups.run()
	return c, nil
}

// arenas bounds malloc's arenas for the process; see librdkafka.BoundArenas.
const arenas = 4

// Close stops taking records, lets every subscription commit and leave, sends what is queued and
// closes the producers, each until ctx ends. The error says how many records were not delivered since
// Stopping.
func (c *Client) Close(ctx context.Context) error {
	c.Stopping()
	c.beginToStop()
	c.life.end()
	err := c.life.wait(ctx)
	c.reader.pool.close(ctx)
	c.producers.close(ctx)
	c.cluster.close(ctx)
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
	c.life.stop()
}
