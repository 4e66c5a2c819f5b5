package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicTimeoutMillis bounds how long the controller may take to create or delete a topic.
const topicTimeoutMillis = 10_000

// Admin is a Kafka client that shares no code with the proxy.
type Admin struct {
	client  *kgo.Client
	brokers []string
}

// OpenAdmin prepares a client; the brokers need not be up yet.
func OpenAdmin(brokers []string) (*Admin, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	if err != nil {
		return nil, err
	}
	return &Admin{client: client, brokers: brokers}, nil
}

// Close lets the connections go.
func (a *Admin) Close() { a.client.Close() }

// sees is nil when the metadata name exactly so many brokers and a controller.
func (a *Admin) sees(ctx context.Context, brokers int) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, where nil would mean all
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	if len(resp.Brokers) != brokers || resp.ControllerID < 0 {
		return fmt.Errorf("%d of %d brokers, controller %d", len(resp.Brokers), brokers, resp.ControllerID)
	}
	return nil
}

// CreateTopic creates a topic, replicated to every broker's default, and waits until its
// partitions have leaders.
func (a *Admin) CreateTopic(ctx context.Context, name string, partitions int) error {
	return a.CreateTopicAs(ctx, name, TopicOptions{Partitions: partitions})
}

// DeleteTopic deletes a topic.
func (a *Admin) DeleteTopic(ctx context.Context, name string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = topicTimeoutMillis
	req.TopicNames = []string{name}
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return nil
}

// Partitions is how many partitions a topic has; it is an error while one of them has no leader.
func (a *Admin) Partitions(ctx context.Context, topic string) (int, error) {
	leaders, err := a.Leaders(ctx, topic)
	return len(leaders), err
}

// Leaders are the nodes that lead the partitions of a topic, in any order; it is an error while one has none.
func (a *Admin) Leaders(ctx context.Context, topic string) (leaders []int, err error) {
	t, err := a.describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, p := range t.Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, fmt.Errorf("topic %s partition %d: %w", topic, p.Partition, err)
		}
		leaders = append(leaders, int(p.Leader))
	}
	return leaders, nil
}

// TopicID is what tells a topic from another one that has or had its name.
func (a *Admin) TopicID(ctx context.Context, topic string) ([16]byte, error) {
	t, err := a.describe(ctx, topic)
	if err != nil {
		return [16]byte{}, err
	}
	return t.TopicID, nil
}

func (a *Admin) describe(ctx context.Context, topic string) (*kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 {
		return nil, errors.New("metadata without the topic")
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	return &resp.Topics[0], nil
}
