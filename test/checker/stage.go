package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
)

// nodes is how many Kafka nodes there are: with three, one may die and every record is still on the
// two that acks=all asks for.
const nodes = 3

// stage is what all trials share: the Kafka cluster.
type stage struct {
	kafka  *harness.Kafka
	admin  *harness.Admin
	client *kgo.Client // asks single nodes
	tried  int         // trials, which all have topics of their own
}

// stageTime bounds the start of the cluster, fetching it included.
const stageTime = 5 * time.Minute

func openStage(ctx context.Context) (*stage, error) {
	ctx, cancel := context.WithTimeout(ctx, stageTime)
	defer cancel()
	kafka, err := harness.StartKafka(ctx, harness.KafkaOptions{
		Nodes: nodes, NoAutoCreate: true,
		Properties: map[string]string{"group.consumer.session.timeout.ms": "2000"},
	})
	if err != nil {
		return nil, err
	}
	admin, err := harness.OpenAdmin(kafka.Brokers())
	if err != nil {
		return nil, errors.Join(err, kafka.Close())
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers()...))
	if err != nil {
		admin.Close()
		return nil, errors.Join(err, kafka.Close())
	}
	return &stage{kafka: kafka, admin: admin, client: client}, nil
}

func (s *stage) close() error {
	s.client.Close()
	s.admin.Close()
	return s.kafka.Close()
}

// create creates a topic and returns when every node knows it: a client that asks one that does not
// is told that there is no such topic, and rightly refuses to produce to it.
func (s *stage) create(ctx context.Context, topic string) error {
	if err := s.admin.CreateTopic(ctx, topic, partitions); err != nil {
		return err
	}
	return harness.Until(ctx, func(ctx context.Context) error {
		for _, node := range s.kafka.Nodes {
			if err := s.knows(ctx, node, topic); err != nil {
				return fmt.Errorf("node %d: %w", node.ID, err)
			}
		}
		return nil
	})
}

func (s *stage) knows(ctx context.Context, node *harness.KafkaNode, topic string) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, s.client.Broker(node.ID))
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
		for _, p := range t.Partitions {
			if p.Leader < 0 || len(p.ISR) < nodes {
				return fmt.Errorf("%s:%d has leader %d and replicas %v in sync", topic, p.Partition, p.Leader, p.ISR)
			}
		}
	}
	return nil
}

// coordinator is the node that coordinates a group.
func (s *stage) coordinator(ctx context.Context, group string) (*harness.KafkaNode, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = group
	req.CoordinatorKeys = []string{group}
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return nil, err
	}
	for _, c := range resp.Coordinators {
		if err := kerr.ErrorForCode(c.ErrorCode); err != nil {
			return nil, err
		}
		if 1 <= c.NodeID && int(c.NodeID) <= nodes {
			return s.kafka.Nodes[c.NodeID-1], nil
		}
	}
	return nil, fmt.Errorf("group %s has no coordinator", group)
}

// pause waits for d: a fault has to last.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
