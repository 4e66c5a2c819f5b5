package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicOptions describe a topic.
type TopicOptions struct {
	// Partitions is how many it has.
	Partitions int
	// Replicas are the nodes of each partition, its first leader first. None means the brokers' choice.
	Replicas []int32
	// Properties are the topic's own, such as cleanup.policy.
	Properties map[string]string
}

// CreateTopicAs creates a topic and waits until its partitions have leaders.
func (a *Admin) CreateTopicAs(ctx context.Context, name string, o TopicOptions) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = topicTimeoutMillis
	req.Topics = append(req.Topics, o.request(name))
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topic, err)
		}
	}
	return a.hasPartitions(ctx, name, o.Partitions)
}

func (o *TopicOptions) request(name string) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(o.Partitions), -1
	for _, property := range slices.Sorted(maps.Keys(o.Properties)) {
		value := o.Properties[property]
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: property, Value: &value})
	}
	if len(o.Replicas) == 0 {
		return topic
	}
	topic.NumPartitions = -1 // what Kafka wants where the replicas are named
	for p := range o.Partitions {
		topic.ReplicaAssignment = append(topic.ReplicaAssignment,
			kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: int32(p), Replicas: o.Replicas})
	}
	return topic
}

// hasPartitions waits until a topic has so many partitions, all with leaders.
func (a *Admin) hasPartitions(ctx context.Context, name string, partitions int) error {
	return Until(ctx, func(ctx context.Context) error {
		n, err := a.Partitions(ctx, name)
		if err == nil && n != partitions {
			err = fmt.Errorf("topic %s has %d of %d partitions", name, n, partitions)
		}
		return err
	})
}

// AddPartitions gives a topic more partitions, so many in all, and waits until they have leaders.
func (a *Admin) AddPartitions(ctx context.Context, name string, partitions int) error {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = topicTimeoutMillis
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = name, int32(partitions)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("add partitions to %s: %w", t.Topic, err)
		}
	}
	return a.hasPartitions(ctx, name, partitions)
}

// DeleteRecords deletes the records of a partition below an offset, as retention does.
func (a *Admin) DeleteRecords(ctx context.Context, topic string, partition int32, below int64) error {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = topicTimeoutMillis
	t := kmsg.NewDeleteRecordsRequestTopic()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, below
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("delete records of %s/%d: %w", topic, partition, err)
			}
		}
	}
	return nil
}
