package cluster

import (
	"cmp"
	"context"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// changes are all changes of the topic letters, which has two partitions.
var changes = []struct {
	name string
	key  kmsg.Key
	make func(context.Context, *Cluster) error
}{
	{"create", kmsg.CreateTopics, func(ctx context.Context, c *Cluster) error {
		_, err := c.CreateTopic(ctx, NewTopic{Name: "fresh", Partitions: -1, Replicas: -1})
		return err
	}},
	{"grow", kmsg.CreatePartitions, func(ctx context.Context, c *Cluster) error {
		_, err := c.AddPartitions(ctx, "letters", 3)
		return err
	}},
	{"alter", kmsg.IncrementalAlterConfigs, func(ctx context.Context, c *Cluster) error {
		return c.AlterTopic(ctx, "letters", []SettingChange{{Name: "retention.ms", Value: "1000"}}, false)
	}},
	{"delete", kmsg.DeleteTopics, func(ctx context.Context, c *Cluster) error { return c.DeleteTopic(ctx, "letters") }},
}

func TestTopicsAreChanged(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs())
	ctx := kafkatest.Bounded(t)
	for _, change := range changes {
		if err := change.make(ctx, c); err != nil {
			t.Errorf("%s: %v", change.name, err)
		}
	}
	topics, err := c.Topics(ctx)
	if err != nil || len(topics) != 1 || topics[0].Name != "fresh" {
		t.Errorf("%v %v", topics, err)
	}
}

// A partition can be read as soon as it is there, also by those who have asked for the others before.
func TestOffsetsOfPartitionsThatWereAdded(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	ctx := kafkatest.Bounded(t)
	for have := range int32(4) {
		newest := record.TopicPartition{Topic: "letters", Partition: have}
		var err error
		if have%2 == 0 {
			_, _, err = c.PartitionOffsets(ctx, newest)
		} else if ends, _, failed := c.LogBounds(ctx, []record.TopicPartition{newest}); len(ends) == 0 {
			err = cmp.Or(failed, errNoLeader)
		}
		if err != nil {
			t.Errorf("of %s: %v", newest, err)
		}
		if _, err := c.AddPartitions(ctx, "letters", int(have)+2); err != nil {
			t.Fatal(err)
		}
	}
}

// A question for the offsets of a topic that is gone must not bring it back.
func TestAskingForOffsetsCreatesNoTopic(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"), kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs())
	ctx := kafkatest.Bounded(t)
	gone := []record.TopicPartition{{Topic: "gone", Partition: 0}, {Topic: "letters", Partition: 7}}
	if begins, _, err := c.LogBounds(ctx, gone); len(begins) > 0 {
		t.Errorf("%v %v", begins, err)
	}
	if k.TopicInfo("gone") != nil {
		t.Error("the topic was created")
	}
}

// Whatever the brokers say means one thing to a caller.
func TestWhatBecameOfAChange(t *testing.T) {
	t.Parallel()
	for fault, want := range map[*wireerr.Error]error{
		wireerr.PolicyViolation: kerr.ErrRefused, wireerr.InvalidRequest: kerr.ErrRefused, wireerr.TopicAuthorizationFailed: kerr.ErrDenied,
		wireerr.ClusterAuthorizationFailed: kerr.ErrDenied, wireerr.ThrottlingQuotaExceeded: kerr.ErrNotNow, wireerr.NotController: kerr.ErrNotNow,
		wireerr.RequestTimedOut: kerr.ErrMaybe,
	} {
		k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
		c := openOn(t, k.ListenAddrs())
		for _, change := range changes {
			k.Fault(kfake.Fault{Keys: []kmsg.Key{change.key}, Err: fault, Count: -1})
			kafkatest.WantError(t, change.make(kafkatest.Bounded(t), c), want)
		}
	}
}

func TestChangesOfTopicsThatAreNotThere(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	c := openOn(t, k.ListenAddrs())
	for _, change := range changes[1:] {
		kafkatest.WantError(t, change.make(kafkatest.Bounded(t), c), kerr.ErrNoTopic)
	}
}

// Kafka would let whoever may delete a topic also delete the one that has everybody's offsets.
func TestKafkasOwnTopicsAreNotChanged(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "__consumer_offsets"))
	c := openOn(t, k.ListenAddrs())
	ctx := kafkatest.Bounded(t)
	_, err := c.CreateTopic(ctx, NewTopic{Name: "__share_group_state", Partitions: 1, Replicas: 1})
	kafkatest.WantError(t, err, kerr.ErrDenied)
	_, err = c.AddPartitions(ctx, "__consumer_offsets", 2)
	kafkatest.WantError(t, err, kerr.ErrDenied)
	kafkatest.WantError(t, c.DeleteTopic(ctx, "__consumer_offsets"), kerr.ErrDenied)
	kafkatest.WantError(t, c.AlterTopic(ctx, "__consumer_offsets", []SettingChange{{Name: "retention.ms", Delete: true}}, false), kerr.ErrDenied)
}

// Without brokers nothing was asked for, so nothing can have been done.
func TestAChangeWithoutBrokers(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	c := openOn(t, k.ListenAddrs())
	k.Close()
	for _, change := range changes {
		kafkatest.WantError(t, change.make(kafkatest.Briefly(t), c), kerr.ErrNoAnswer)
	}
}
