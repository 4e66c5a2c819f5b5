package cluster

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// What a command of the operator asks: nothing was asked before, and nobody here is in the group.
func TestGroupsOfOthersWithTheirOffsets(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	kafkatest.Produce(t, k, &kgo.Record{Topic: "letters"}, &kgo.Record{Topic: "letters"}, &kgo.Record{Topic: "letters"})
	consumeTwo(t, k)
	cfg := config.Defaults()
	cfg.Brokers = k.ListenAddrs()
	c, end := Alone(cfg)
	defer func() { end(kafkatest.Bounded(t)) }()
	groups, err := c.GroupsWithOffsets(kafkatest.Bounded(t))
	if err != nil || len(groups) != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	want := []GroupOffset{{TopicPartition: record.TopicPartition{Topic: "letters"}, Committed: 2, End: 3, Lag: 1}}
	if diff := cmp.Diff(want, groups[0].Offsets); diff != "" || groups[0].Name != "others" || groups[0].State != "Empty" {
		t.Errorf("%+v (-want +got):\n%s", groups[0], diff)
	}
	group, err := c.GroupOffsets(kafkatest.Bounded(t), "others", nil)
	if diff := cmp.Diff(want, group.Offsets); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = c.GroupOffsets(kafkatest.Bounded(t), "nobody", nil)
	kafkatest.WantError(t, err, kerr.ErrNoGroup)
}

// A leader that does not answer costs a command time, and the offsets of what it leads: those of the others are told.
func TestTopicsAreReadPastASilentLeader(t *testing.T) {
	t.Parallel()
	const patience = 6 * time.Second
	k := kafkatest.Brokers(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "letters", "bills"))
	for id, name := range []string{"letters", "bills"} {
		if err := k.MoveTopicPartition(name, 0, int32(id)); err != nil {
			t.Fatal(err)
		}
	}
	k.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return nil, nil, k.CurrentNode() == 1 // taken, and not answered
	})
	cfg := config.Defaults()
	cfg.Brokers = k.ListenAddrs()
	for range 8 { // librdkafka looks for what is too late once a second
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c, end := Alone(cfg)
			defer func() { end(kafkatest.Bounded(t)) }()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			topics, err := c.AllTopics(ctx)
			if err != nil || len(topics) != 2 || topics[0].Partitions[0].High != -1 || topics[1].Partitions[0].High != 0 {
				t.Errorf("%+v, %v", topics, err)
			}
		})
	}
}

// consumeTwo has a group come, commit two records of the first partition, and go.
func consumeTwo(t *testing.T, k *kfake.Cluster) {
	t.Helper()
	other, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumerGroup("others"), kgo.ConsumeTopics("letters"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var got []*kgo.Record
	for ctx := kafkatest.Bounded(t); len(got) < 3 && ctx.Err() == nil; {
		got = append(got, other.PollFetches(ctx).Records()...)
	}
	if len(got) < 3 {
		t.Fatalf("%d records came", len(got))
	}
	if err := other.CommitRecords(context.Background(), got[:2]...); err != nil {
		t.Fatal(err)
	}
}
