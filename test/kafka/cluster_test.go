//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// cluster is some Kafka nodes and an independent client of them.
type cluster struct {
	*harnesstest.KafkaCluster
}

func startCluster(t *testing.T, ctx context.Context, nodes int) *cluster {
	t.Helper()
	return &cluster{harnesstest.Kafka(t, ctx, harness.KafkaOptions{Nodes: nodes, Properties: map[string]string{
		// For groups of the consumer protocol this is the broker's to say.
		"group.consumer.session.timeout.ms": "2000",
	}})}
}

// proxy starts a proxy on the cluster, with all doors open; the lines are its configuration file.
func (c *cluster) proxy(t *testing.T, ctx context.Context, config ...string) *harness.Sluice {
	t.Helper()
	return harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: c.Brokers(), HTTP: harnesstest.FreeAddr(t), Management: harnesstest.FreeAddr(t),
		Args: []string{"--config", harnesstest.Config(t, config...)},
	})
}

// member connects to a proxy as one named consumer, on one connection, without retries.
func member(t *testing.T, s *harness.Sluice, name string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr: s.Addr, ClientName: name, PoolSize: 1, MaxRetries: -1, ReadTimeout: patience,
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// record is what a BLPOP answered.
type record struct {
	topic     string
	partition int64
	offset    int64
	value     string
}

// next asks for a record; redis.Nil means that none came within the timeout, in seconds.
func next(ctx context.Context, c *redis.Client, key string, seconds float64) (record, error) {
	a, err := c.Do(ctx, "BLPOP", key, seconds).Slice()
	if err != nil {
		return record{}, err
	}
	if len(a) != 8 {
		return record{}, fmt.Errorf("BLPOP answered %d elements: %v", len(a), a)
	}
	var r record
	ok := [4]bool{}
	r.topic, ok[0] = a[1].(string)
	r.partition, ok[1] = a[3].(int64)
	r.offset, ok[2] = a[5].(int64)
	r.value, ok[3] = a[7].(string)
	if ok != [4]bool{true, true, true, true} {
		return r, fmt.Errorf("BLPOP answered %v", a)
	}
	return r, nil
}

// ack accepts everything up to the record.
func ack(ctx context.Context, c *redis.Client, r record) error {
	return c.RPush(ctx, "acks", fmt.Sprintf("%s:%d:%d", r.topic, r.partition, r.offset)).Err()
}
