package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Admin reads topics, groups and lag from the brokers. Every call ends with its context.
//
// What any broker knows is asked of one that answers, through a handle of our own: the binding's client asks the
// controller, and nobody else when that is silent. It does the rest, and is opened for it.
type Admin struct {
	handle   *librdkafka.Admin
	roster   roster
	troubles troubles

	properties config.Properties
	open       sync.Once
	client     *binding.AdminClient // see binding
	openErr    error

	mu          sync.Mutex // guards what is remembered of the cluster
	creates     AutoCreate
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
	Assigned           []record.TopicPartition
}

// GroupOffset is how far a group has come in one partition, which holds what is from Begin up to, but not
// including, End. Committed is -1 when it never committed; Lag is then everything that the partition holds.
type GroupOffset struct {
	record.TopicPartition
	Begin, Committed, End, Lag int64
}

// OpenAdmin creates a client for administrative reads. No broker needs to be reachable.
func OpenAdmin(brokers []string, properties config.Properties) (*Admin, error) {
	cfg := config.Config{Brokers: brokers, Properties: properties}
	all := cfg.AdminProperties(adminDefaults)
	handle, err := librdkafka.NewAdmin(all)
	if err != nil {
		return nil, fmt.Errorf("admin client: %w", err)
	}
	return &Admin{handle: handle, properties: all}, nil
}

// adminDefaults have a request to a silent broker end soon: librdkafka then leaves it for another.
var adminDefaults = config.Properties{"socket.timeout.ms": "3000", "api.version.request.timeout.ms": "3000"}

// binding is the binding's client, for the questions that only it puts.
func (a *Admin) binding() (*binding.AdminClient, error) {
	a.open.Do(func() {
		conf := binding.ConfigMap{}
		for name, value := range a.properties {
			conf[name] = value
		}
		conf["log_level"] = 0 // it would write to stderr; the other handles report the same trouble
		if a.client, a.openErr = binding.NewAdminClient(&conf); a.openErr != nil {
			a.openErr = fmt.Errorf("admin client: %w", a.openErr)
		}
	})
	return a.client, a.openErr
}

// Close ends the client. Nobody is inside, or will be.
func (a *Admin) Close() {
	a.open.Do(func() {})
	if a.client != nil {
		a.client.Close()
	}
	a.handle.Close()
}

// TopicNames lists the topics of the cluster in order, internal ones left out.
func (a *Admin) TopicNames(ctx context.Context) ([]string, error) {
	topics, err := a.allTopics(ctx)
	var names []string
	for i := range topics {
		names = append(names, topics[i].Name)
	}
	return names, err
}

// allTopics are the topics of the cluster without their offsets, in order, internal ones left out.
func (a *Admin) allTopics(ctx context.Context) ([]Topic, error) {
	metadata, err := a.metadata(ctx, true)
	if err != nil {
		return nil, err
	}
	var topics []Topic
	for i := range metadata.Topics {
		if t := &metadata.Topics[i]; !InternalTopic(t.Name) {
			topics = append(topics, topicOf(t))
		}
	}
	slices.SortFunc(topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	return topics, nil
}

// InternalTopic tells the topics that Kafka keeps for itself (Topic.java, INTERNAL_TOPICS).
func InternalTopic(name string) bool {
	return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"
}

// metadata asks any broker for the brokers of the cluster, and with topics for its topics.
func (a *Admin) metadata(ctx context.Context, topics bool) (metadata librdkafka.Metadata, err error) {
	err = inTurns(ctx, func(ctx context.Context) (err error) {
		metadata, err = a.handle.Metadata(topics, timeLeft(ctx))
		return err
	})
	if err == nil {
		a.roster.learn(brokersOf(metadata))
	}
	return metadata, err
}

func brokersOf(metadata librdkafka.Metadata) []Broker {
	var brokers []Broker
	for _, b := range metadata.Brokers {
		brokers = append(brokers, Broker(b))
	}
	slices.SortFunc(brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	return brokers
}

// TurnTime bounds one call into librdkafka that ends with nothing but its own deadline: the caller may
// have gone, and the client may be about to be closed.
const TurnTime = time.Second

// atOnce tells a call that failed by itself from one that no broker has answered. librdkafka takes whole milliseconds, so a
// call may end a moment before its turn.
const atOnce = TurnTime / 10

// longTurn is as much as a broker has to describe many topics when it is slow.
const longTurn = 5 * time.Second

// inTurns makes such a call, again when nobody answered in time, until ctx ends.
func inTurns(ctx context.Context, call func(context.Context) error) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		began := time.Now()
		turn, cancel := context.WithTimeout(ctx, TurnTime)
		err := call(turn)
		cancel()
		if !kerr.Unanswered(err) || ctx.Err() != nil || time.Since(began) < atOnce {
			return err
		}
	}
}

// timeLeft is the time until the context's deadline.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return QueryTime
	}
	return max(time.Millisecond, time.Until(deadline))
}

// MillisLeft is timeLeft for calls that take milliseconds.
func MillisLeft(ctx context.Context) int { return int(timeLeft(ctx).Milliseconds()) }

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
	found, err := a.TopicsByName(ctx, names)
	if err != nil {
		return nil, err
	}
	var topics []Topic
	for i := range found {
		if t := &found[i]; t.Err != librdkafka.None {
			return nil, fmt.Errorf("topic %s: %w", t.Name, kerr.FromCode(t.Err))
		}
		topics = append(topics, topicOf(&found[i]))
	}
	slices.SortFunc(topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	return topics, nil
}

// TopicsByName asks for topics without creating them, one broker after the other until one answers: each topic with
// what there is of it, or its own error.
func (a *Admin) TopicsByName(ctx context.Context, names []string) (topics []librdkafka.Topic, err error) {
	for turn := TurnTime; ; turn = min(turn+TurnTime/4, longTurn) {
		broker, known := a.roster.pick()
		if !known {
			if _, err := a.metadata(ctx, false); err != nil {
				return nil, err
			}
			continue
		}
		began := time.Now()
		topics, err = a.handle.Topics(ctx, broker, names, min(turn, timeLeft(ctx)))
		if ctx.Err() == nil {
			a.roster.heard(broker, !kerr.Unanswered(err), time.Now())
		}
		if !kerr.Unanswered(err) || ctx.Err() != nil || time.Since(began) < atOnce {
			return topics, err
		}
	}
}

func topicOf(found *librdkafka.Topic) Topic {
	t := Topic{Name: found.Name}
	for _, p := range found.Partitions {
		t.Partitions = append(t.Partitions, PartitionInfo{
			ID: p.ID, Leader: p.Leader, Replicas: p.Replicas, InSync: p.InSync, Low: -1, High: -1,
		})
	}
	slices.SortFunc(t.Partitions, func(a, b PartitionInfo) int { return cmp.Compare(a.ID, b.ID) })
	return t
}

// fillOffsets sets the offsets of all partitions but those whose leader does not answer.
func (a *Admin) fillOffsets(ctx context.Context, topics []Topic) error {
	var partitions []record.TopicPartition
	for _, t := range topics {
		for _, p := range t.Partitions {
			partitions = append(partitions, record.TopicPartition{Topic: t.Name, Partition: p.ID})
		}
	}
	var low, high map[record.TopicPartition]int64
	var lowErr, highErr error
	var both sync.WaitGroup
	both.Go(func() { low, lowErr = a.listOffsetsInTime(ctx, ForAll(partitions, binding.EarliestOffsetSpec)) })
	both.Go(func() { high, highErr = a.listOffsetsInTime(ctx, ForAll(partitions, binding.LatestOffsetSpec)) })
	both.Wait()
	if err := cmp.Or(lowErr, highErr); err != nil {
		return err
	}
	for i := range topics {
		for j := range topics[i].Partitions {
			p := &topics[i].Partitions[j]
			from, known := low[record.TopicPartition{Topic: topics[i].Name, Partition: p.ID}]
			to, too := high[record.TopicPartition{Topic: topics[i].Name, Partition: p.ID}]
			if known && too {
				p.Low, p.High = from, to
			}
		}
	}
	return nil
}

// listOffsetsInTime asks ListOffsets for as long as nobody answers: a client that is new may have begun with a silent
// broker. Each try has half of the time that is left: librdkafka waits so long for the last of the leaders.
func (a *Admin) listOffsetsInTime(ctx context.Context, specs map[record.TopicPartition]binding.OffsetSpec) (map[record.TopicPartition]int64, error) {
	for {
		turn, end := context.WithTimeout(ctx, timeLeft(ctx)/2)
		offsets, _, err := a.ListOffsets(turn, specs)
		end()
		if !kerr.Unanswered(err) || timeLeft(ctx) < TurnTime/2 {
			return offsets, err
		}
	}
}
