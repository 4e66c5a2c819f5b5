package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// When none of the partitions exists librdkafka fails the whole question: whoever asks for the lag of many groups would
// learn nothing of the others.
func TestOffsetsOfTopicsThatAreGone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	gone := record.TopicPartition{Topic: "parcels", Partition: 0}
	err := c.Ask(func(a *Admin) error {
		offsets, failed, err := a.ListOffsets(kafkatest.Bounded(t), ForAll([]record.TopicPartition{gone}, binding.LatestOffsetSpec))
		if len(offsets) != 0 || failed[gone] == nil {
			t.Errorf("told %v, and of what nobody tells %v", offsets, failed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// librdkafka makes -1001 without an error of a partition that an answer leaves out. A seek there would skip
// everything, and a lag from there is a lie.
func TestAnOffsetThatNobodyTells(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	k.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return request.ResponseKind(), nil, true
	})
	letters := record.TopicPartition{Topic: "letters", Partition: 0}
	err := c.Ask(func(a *Admin) error {
		offsets, failed, err := a.ListOffsets(t.Context(), ForAll([]record.TopicPartition{letters}, binding.LatestOffsetSpec))
		if len(offsets) != 0 || !errors.Is(failed[letters], errNoLeader) {
			t.Errorf("told %v, and of what nobody tells %v", offsets, failed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for name, ask := range map[string]func(context.Context) ([]record.PartitionOffset, error){
		"ends": func(ctx context.Context) ([]record.PartitionOffset, error) {
			return c.EndOffsets(ctx, []record.TopicPartition{letters})
		},
		"since": func(ctx context.Context) ([]record.PartitionOffset, error) {
			return c.OffsetsForTimes(ctx, map[record.TopicPartition]time.Time{letters: time.Unix(0, 0)})
		},
	} {
		if offsets, err := ask(t.Context()); !errors.Is(err, kerr.ErrNoAnswer) || len(offsets) != 0 {
			t.Errorf("%s: %v, %v", name, offsets, err)
		}
	}
}
