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
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// The parts of a client whose methods are its own, by names that stay inside.
type (
	clusterPart = cluster.Cluster
	readerPart  = reader.Reader
)

// Client is the proxy's whole side towards Kafka: the shared producers, the subscriptions and the
// administrative reads. All methods may be called from any goroutine.
type Client struct {
	*clusterPart
	*readerPart
	producers *producer.Producers
	groups    *consumer.Groups
	letters   *deadLetters

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
	producers, err := producer.Open(&c.settings, log, c.life, c.clusterPart)
	if err != nil {
		c.life.End()
		return nil, err
	}
	c.producers = producers
	c.letters = newDeadLetters(&c.settings, c.clusterPart, producers)
	c.groups = consumer.New(&c.settings, log, c.life, c.clusterPart, consumer.DeadLetters{Write: c.letters.write, Ensure: c.letters.ensure})
	c.readerPart = reader.New(&c.settings, c.life, c.clusterPart, c.groups.FetchLimit)
	c.clusterPart.Run(cluster.Engine{Groups: producers.ListGroups, Served: c.groups.Served, Seek: c.groups.Seek, Asked: producers.Asked, Changed: producers.Changed})
	c.groups.Run()
	return c, nil
}

// arenas bounds malloc's arenas for the process; see librdkafka.BoundArenas.
const arenas = 4

// Close takes no more records. Every subscription commits and leaves its group. Dead letters are written. The
// producers send what is queued, and end. Each of these steps ends with ctx. The error says how many records were not delivered
// since Stopping.
func (c *Client) Close(ctx context.Context) error {
	c.producers.Stopping()
	c.producers.AwaitTopics(ctx)
	c.beginToStop()
	c.life.End()
	err := c.life.Wait(ctx)
	c.letters.close(ctx)
	c.readerPart.Close(ctx)
	c.producers.Close(ctx)
	c.clusterPart.Close(ctx)
	switch n := c.producers.Undelivered(); n {
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

// Publisher makes a session's handle on the producers; see Producers.Publisher.
func (c *Client) Publisher(wake func()) (*producer.Publisher, error) {
	return c.producers.Publisher(wake)
}

// Stopping says that the process is about to end; see Producers.Stopping.
func (c *Client) Stopping() { c.producers.Stopping() }

// Produced lists what was produced, by topic; see Producers.Produced.
func (c *Client) Produced() []producer.TopicCounts { return c.producers.Produced() }

// Join makes a member of a group; see Groups.Join.
func (c *Client) Join(id consumer.Identity, in consumer.SubscribeOptions, wake func()) (*consumer.Member, error) {
	return c.groups.Join(id, in, wake)
}

// FailurePolicy is what becomes of a topic's records whose processing fails in a group, as the settings are now.
func (c *Client) FailurePolicy(group, topic string) failures.Policy {
	return c.settings.Load().Failures.Find(group, topic)
}

// Leases lists what the members of a group hold; see Groups.Leases.
func (c *Client) Leases(group string, most int) (list []consumer.GroupLease, total int) {
	return c.groups.Leases(group, most)
}

// SkipRecord lets a group go on without a record. A group that is not served here must be at the record, and have no members.
// With dry it only tells whether it could.
func (c *Client) SkipRecord(ctx context.Context, group string, tp record.TopicPartition, offset int64, dry bool) error {
	err := c.groups.SkipRecord(group, tp, offset, dry)
	if !errors.Is(err, kerr.ErrNotHere) {
		return err
	}
	next := cluster.Target{TopicPartition: tp, Offset: offset + 1}
	moves, err := c.PlanGroupOffsets(ctx, group, []cluster.Target{next})
	switch {
	case err != nil:
		return err
	case moves[0].From != offset:
		return fmt.Errorf("group %s goes on at %s:%d: only the next record can be skipped while sluice does not serve it", group, tp, moves[0].From)
	case dry:
		return nil
	}
	_, err = c.SetGroupOffsets(ctx, group, []cluster.Target{next})
	return err
}

// Find is the member of an identity, nil when there is none.
func (c *Client) Find(id consumer.Identity) *consumer.Member { return c.groups.Find(id) }

// Consumed lists what groups were lent, by group and topic; see Groups.Consumed.
func (c *Client) Consumed() []consumer.GroupTopicCounts { return c.groups.Consumed() }

// Dead lists the records that were given up, by group, topic and class of error.
func (c *Client) Dead() []consumer.DeadCount { return c.groups.Dead() }

// Failures lists what has failed, by group.
func (c *Client) Failures() []consumer.GroupFailures { return c.groups.Failures() }

// Memory is what fetched records take now.
func (c *Client) Memory() consumer.Memory { return c.groups.Memory() }

// Version is the version of the linked librdkafka, such as "2.15.1".
func Version() string { return librdkafka.Version() }

// ValidTopic tells whether Kafka takes a name for a topic; see record.ValidTopic.
func ValidTopic(name string) bool { return record.ValidTopic(name) }
