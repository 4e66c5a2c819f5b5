package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Broker is a broker of the cluster, by the address that it gives its clients.
type Broker struct {
	ID   int32
	Host string
	Port int
}

// QueryTime bounds one reading, whatever time its caller has; mostAsked is how many there are at once, as most
// hold a thread until they are answered.
const (
	QueryTime = 10 * time.Second
	mostAsked = 16
)

// Query puts a question to the brokers, which ends with ctx and with the client.
func (c *Cluster) Query(ctx context.Context, question func(context.Context, *Admin) error) error {
	bounded, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	stop := context.AfterFunc(c.life.Context, cancel) //nolint:contextcheck // the client ends what its callers began
	defer stop()
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-bounded.Done():
		return c.readFailed(ctx, fmt.Errorf("%w: too many ask", kerr.ErrNoAnswer))
	}
	err := c.Ask(func(a *Admin) error { return question(bounded, a) })
	if err == nil || errors.Is(err, kerr.ErrStopping) || errors.Is(err, kerr.ErrNoTopic) || errors.Is(err, kerr.ErrNoPartition) {
		return err
	}
	return c.readFailed(ctx, err)
}

// readFailed is what a question ended with that its caller, or the client, may have given up.
func (c *Cluster) readFailed(ctx context.Context, err error) error {
	switch {
	case c.life.Context.Err() != nil:
		return kerr.ErrStopping
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	return kerr.Asked(err)
}

// Topic reads one topic and its partitions; their offsets, Low and High, are not read and -1. ErrNoTopic
// says that there is none; it is not created.
func (c *Cluster) Topic(ctx context.Context, name string) (t Topic, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		t, err = a.topic(ctx, name)
		return err
	})
	return t, err
}

// topic is a topic without its offsets.
func (a *Admin) topic(ctx context.Context, name string) (Topic, error) {
	topics, err := a.partitions(ctx, []string{name})
	switch {
	case kerr.Absent(kerr.CodeOf(err)):
		return Topic{}, fmt.Errorf("topic %s: %w", name, kerr.ErrNoTopic)
	case err != nil:
		return Topic{}, err
	}
	return topics[0], nil
}

// PartitionOffsets reads which offsets a partition holds: from low up to, but not including, high.
// ErrNoTopic and ErrNoPartition say that there is none.
func (c *Cluster) PartitionOffsets(ctx context.Context, tp record.TopicPartition) (low, high int64, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		low, high, err = a.partitionOffsets(ctx, tp)
		return err
	})
	return low, high, err
}

func (a *Admin) partitionOffsets(ctx context.Context, tp record.TopicPartition) (low, high int64, err error) {
	// Asked first: of a partition that does not exist librdkafka says only that nobody leads it.
	t, err := a.topic(ctx, tp.Topic)
	if err != nil {
		return 0, 0, err
	}
	if !slices.ContainsFunc(t.Partitions, func(p PartitionInfo) bool { return p.ID == tp.Partition }) {
		return 0, 0, fmt.Errorf("partition %s: %w", tp, kerr.ErrNoPartition)
	}
	lows, err := a.offsets(ctx, []record.TopicPartition{tp}, binding.EarliestOffsetSpec)
	if err != nil {
		return 0, 0, err
	}
	highs, err := a.offsets(ctx, []record.TopicPartition{tp}, binding.LatestOffsetSpec)
	return lows[tp], highs[tp], err
}

// Brokers lists the brokers that are up, by id.
func (c *Cluster) Brokers(ctx context.Context) (brokers []Broker, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		brokers, err = a.brokers(ctx)
		return err
	})
	return brokers, err
}

func (a *Admin) brokers(ctx context.Context) ([]Broker, error) {
	metadata, err := a.metadata(ctx, false)
	return brokersOf(metadata), err
}

// ClusterID is the cluster's own id. It never changes, and is asked for once.
func (c *Cluster) ClusterID(ctx context.Context) (id string, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		return inTurns(ctx, func(ctx context.Context) (err error) {
			if id = a.handle.ClusterID(timeLeft(ctx)); id == "" {
				return context.DeadlineExceeded
			}
			return nil
		})
	})
	return id, err
}
