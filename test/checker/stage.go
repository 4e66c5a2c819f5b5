package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
)

// sizes are how many Kafka nodes there may be: with three, one may die and every record is still on the two
// that acks=all asks for; with one, all is away when it dies, and a log can lose its end.
var sizes = []int{3, 1}

// stage is what all trials share: the Kafka cluster.
type stage struct {
	kafka  *harness.Kafka
	admin  *harness.Admin
	client *kgo.Client  // asks single nodes
	tried  atomic.Int32 // trials, which all have topics of their own
	gone   sync.Map     // by name, the id of the topic that was deleted last
}

// stageTime bounds the start of the cluster, fetching it included.
const stageTime = 5 * time.Minute

func openStage(ctx context.Context, nodes int) (*stage, error) {
	ctx, cancel := context.WithTimeout(ctx, stageTime)
	defer cancel()
	kafka, err := harness.StartKafka(ctx, harness.KafkaOptions{
		Nodes: nodes, NoAutoCreate: true,
		Properties: map[string]string{"group.consumer.session.timeout.ms": "2000"},
	})
	if err != nil {
		return nil, err
	}
	return newStage(kafka)
}

// openFakeStage has the cluster inside this process: it is there at once, is none that can be hurt, and refuses
// fewer records than a real one.
func openFakeStage(nodes int) (*stage, error) {
	fake, err := harness.StartFake(harness.FakeOptions{Brokers: nodes, NoAutoCreate: true})
	if err != nil {
		return nil, err
	}
	kafka := &harness.Kafka{}
	for id, addr := range fake.Brokers() {
		kafka.Nodes = append(kafka.Nodes, &harness.KafkaNode{ID: id, Addr: addr})
	}
	return newStage(kafka)
}

func newStage(kafka *harness.Kafka) (*stage, error) {
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

// layout is how a topic is made.
type layout struct {
	Partitions int               // 0 means the usual number
	Replicas   []int32           // the nodes of each partition, its leader first; none means Kafka's choice
	Properties map[string]string // such as cleanup.policy
}

// create creates a topic and returns when every node knows it: a client that asks one that does not
// is told that there is no such topic, and rightly refuses to produce to it.
func (s *stage) create(ctx context.Context, topic string, o layout) error {
	if o.Partitions == 0 {
		o.Partitions = partitions
	}
	err := s.admin.CreateTopicAs(ctx, topic, harness.TopicOptions{Partitions: o.Partitions, Replicas: o.Replicas, Properties: o.Properties})
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // its name is ours: the client has asked twice
		return err
	}
	return s.known(ctx, topic)
}

// remove deletes a topic, and remembers which: a node that is behind still answers with that one for a while.
func (s *stage) remove(ctx context.Context, topic string) error {
	id, err := s.admin.TopicID(ctx, topic)
	if err != nil {
		return err
	}
	s.gone.Store(topic, id)
	return s.admin.DeleteTopic(ctx, topic)
}

// known returns when every node knows a topic as it is now, and every replica is in sync.
func (s *stage) known(ctx context.Context, topic string) error {
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
		if id, deleted := s.gone.Load(topic); deleted && id == t.TopicID {
			return fmt.Errorf("%s is still the topic that was deleted", topic)
		}
		for _, p := range t.Partitions {
			if p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				return fmt.Errorf("%s:%d has leader %d and replicas %v in sync", topic, p.Partition, p.Leader, p.ISR)
			}
		}
	}
	return nil
}

// coordinator is the node that coordinates a group.
func (s *stage) coordinator(ctx context.Context, group string) (*harness.KafkaNode, error) {
	id, err := s.admin.Coordinator(ctx, group)
	if err != nil {
		return nil, err
	}
	if id < 1 || id > len(s.kafka.Nodes) {
		return nil, fmt.Errorf("group %s has no coordinator", group)
	}
	return s.kafka.Nodes[id-1], nil
}

// others are the nodes that are not this one.
func (s *stage) others(than *harness.KafkaNode) []*harness.KafkaNode {
	return slices.DeleteFunc(slices.Clone(s.kafka.Nodes), func(n *harness.KafkaNode) bool { return n == than })
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
