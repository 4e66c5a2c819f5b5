package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Admin reads topics, groups and lag from the brokers. Every call ends with its context.
type Admin struct {
	client *binding.AdminClient

	mu          sync.Mutex // guards what is remembered of the cluster
	creates     creation
	createsAsOf time.Time
}

// Topic is a topic with its partitions in order.
type Topic struct {
	Name       string
	Partitions []PartitionInfo
}

// PartitionInfo is a partition: who leads it, who follows, and the offsets it holds, from Low up to
// but not including High, both -1 when they were not read. A Leader of -1 means none.
type PartitionInfo struct {
	ID, Leader       int32
	Replicas, InSync []int32
	Low, High        int64
}

// Group is a consumer group as its coordinator knows it. Lag is what its members have not committed.
type Group struct {
	Name, State, Protocol string
	Type                  string // "consumer", or empty when no members were ever in it, or it is not known
	Coordinator           int32  // a broker
	Members               []GroupMember
	Offsets               []GroupOffset
}

// GroupMember is one Kafka member of a group: a sluice is one, however many clients it serves.
type GroupMember struct {
	ID, ClientID, Host string
	Assigned           []TopicPartition
}

// GroupOffset is how far a group has come in one partition, which holds what is from Begin up to, but not
// including, End. Committed is -1 when it never committed; Lag is then everything that the partition holds.
type GroupOffset struct {
	TopicPartition
	Begin, Committed, End, Lag int64
}

// OpenAdmin creates a client for administrative reads. No broker needs to be reachable.
func OpenAdmin(brokers []string, properties Properties) (*Admin, error) {
	cfg := Config{Brokers: brokers, Properties: properties}
	conf := binding.ConfigMap{}
	for name, value := range merge(cfg.clientDefaults(), cfg.connection()) {
		conf[name] = value
	}
	conf["log_level"] = 0 // the producers' handles report the same trouble, through our log
	client, err := binding.NewAdminClient(&conf)
	if err != nil {
		return nil, fmt.Errorf("admin client: %w", err)
	}
	return &Admin{client: client}, nil
}

// Close ends the client.
func (a *Admin) Close() { a.client.Close() }

// TopicNames lists the topics of the cluster in order, internal ones left out.
func (a *Admin) TopicNames(ctx context.Context) ([]string, error) {
	metadata, err := a.metadata(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range metadata.Topics {
		if !internalTopic(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// internalTopic tells the topics that Kafka keeps for itself (Topic.java, INTERNAL_TOPICS).
func internalTopic(name string) bool {
	return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"
}

func (a *Admin) metadata(ctx context.Context) (*binding.Metadata, error) {
	var metadata *binding.Metadata
	err := inTurns(ctx, func(ctx context.Context) (err error) {
		metadata, err = a.client.GetMetadata(nil, true, millisLeft(ctx))
		return err
	})
	return metadata, err
}

// callTurn bounds one call into librdkafka that ends with nothing but its own deadline: the caller may
// have gone, and the client may be about to be closed.
const callTurn = time.Second

// inTurns makes such a call, again when nobody answered in time, until ctx ends.
func inTurns(ctx context.Context, call func(context.Context) error) error {
	for {
		began := time.Now()
		turn, cancel := context.WithTimeout(ctx, callTurn)
		err := call(turn)
		cancel()
		if !unanswered(err) || ctx.Err() != nil || time.Since(began) < callTurn {
			return err
		}
	}
}

// millisLeft is the time until the context's deadline, for calls that take milliseconds.
func millisLeft(ctx context.Context) int {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 10_000
	}
	return max(1, int(time.Until(deadline).Milliseconds()))
}

// Topics reads all topics of the cluster with their offsets.
func (a *Admin) Topics(ctx context.Context) ([]Topic, error) {
	names, err := a.TopicNames(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return a.describe(ctx, names)
}

// Topic reads one topic with its offsets; one that does not exist is an error.
func (a *Admin) Topic(ctx context.Context, name string) (Topic, error) {
	topics, err := a.describe(ctx, []string{name})
	if err != nil {
		return Topic{}, err
	}
	return topics[0], nil
}

func (a *Admin) describe(ctx context.Context, names []string) ([]Topic, error) {
	topics, err := a.partitions(ctx, names)
	if err != nil {
		return nil, err
	}
	return topics, a.fillOffsets(ctx, topics)
}

// partitions reads topics without their offsets.
func (a *Admin) partitions(ctx context.Context, names []string) ([]Topic, error) {
	result, err := a.client.DescribeTopics(ctx, binding.NewTopicCollectionOfTopicNames(names), requestTimeout(ctx))
	if err != nil {
		return nil, err
	}
	var topics []Topic
	for _, d := range result.TopicDescriptions {
		if d.Error.Code() != binding.ErrNoError {
			return nil, fmt.Errorf("topic %s: %w", d.Name, d.Error)
		}
		topics = append(topics, topicOf(d))
	}
	slices.SortFunc(topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	return topics, nil
}

func topicOf(d binding.TopicDescription) Topic {
	t := Topic{Name: d.Name}
	for _, p := range d.Partitions {
		info := PartitionInfo{
			ID: int32(p.Partition), Leader: -1, Replicas: nodeIDs(p.Replicas), InSync: nodeIDs(p.Isr), Low: -1, High: -1,
		}
		if p.Leader != nil {
			info.Leader = int32(p.Leader.ID)
		}
		t.Partitions = append(t.Partitions, info)
	}
	return t
}

func nodeIDs(nodes []binding.Node) []int32 {
	ids := make([]int32, len(nodes))
	for i, n := range nodes {
		ids[i] = int32(n.ID)
	}
	return ids
}

func (a *Admin) fillOffsets(ctx context.Context, topics []Topic) error {
	var partitions []TopicPartition
	for _, t := range topics {
		for _, p := range t.Partitions {
			partitions = append(partitions, TopicPartition{t.Name, p.ID})
		}
	}
	low, err := a.offsets(ctx, partitions, binding.EarliestOffsetSpec)
	if err != nil {
		return err
	}
	high, err := a.offsets(ctx, partitions, binding.LatestOffsetSpec)
	if err != nil {
		return err
	}
	for i := range topics {
		for j := range topics[i].Partitions {
			p := &topics[i].Partitions[j]
			tp := TopicPartition{topics[i].Name, p.ID}
			p.Low, p.High = low[tp], high[tp]
		}
	}
	return nil
}
