package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func at(topic string, partition int32, offset int64) Target {
	return Target{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Offset: offset}
}

func offset(topic string, partition int32, begin, committed, end, lag int64) GroupOffset {
	return GroupOffset{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Begin: begin, Committed: committed, End: end, Lag: lag}
}

func TestTheOffsetsOfAGroupThatNobodyIsIn(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, "letters"), kfake.SeedTopics(1, "others"))
	c := openOn(t, k.ListenAddrs())
	for i := range int64(4) {
		for partition := range int32(3) {
			kafkatest.Produce(t, k, &kgo.Record{Topic: "letters", Partition: partition, Timestamp: time.UnixMilli(1000 * (i + 1))})
		}
	}
	if _, err := c.GroupOffsets(kafkatest.Bounded(t), "fresh", nil); !errors.Is(err, kerr.ErrNoGroup) {
		t.Fatalf("of no group: %v", err)
	}
	got, err := c.SetGroupOffsets(kafkatest.Bounded(t), "fresh", []Target{
		at("letters", 0, 3), at("letters", 1, Latest), {TopicPartition: record.TopicPartition{Topic: "letters", Partition: 2}, Offset: AtTime, Time: 1500},
	})
	want := []GroupOffset{offset("letters", 0, 0, 3, 4, 1), offset("letters", 1, 0, 4, 4, 0), offset("letters", 2, 0, 1, 4, 3)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	g, err := c.GroupOffsets(kafkatest.Bounded(t), "fresh", nil)
	if diff := cmp.Diff(want, g.Offsets); diff != "" || err != nil || g.State != "Empty" || len(g.Members) != 0 {
		t.Errorf("%v %+v (-want +got):\n%s", err, g, diff)
	}
	got, err = c.SetGroupOffsets(kafkatest.Bounded(t), "fresh", []Target{at("letters", 0, Earliest), {TopicPartition: record.TopicPartition{Topic: "letters", Partition: 1}, Offset: AtTime, Time: 9000}})
	if diff := cmp.Diff([]GroupOffset{offset("letters", 0, 0, 0, 4, 4), offset("letters", 1, 0, 4, 4, 0)}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	g, err = c.GroupOffsets(kafkatest.Bounded(t), "fresh", []string{"others"})
	if diff := cmp.Diff([]GroupOffset{offset("others", 0, 0, -1, 0, 0)}, g.Offsets); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestOffsetsThatCannotBeSet(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	var beyond *BeyondError
	if _, err := c.SetGroupOffsets(kafkatest.Bounded(t), "g", []Target{at("letters", 0, 1)}); !errors.As(err, &beyond) || beyond.End != 0 {
		t.Errorf("beyond the end: %v", err)
	}
	_, err := c.SetGroupOffsets(kafkatest.Bounded(t), "g", []Target{at("letters", 1, 0)})
	kafkatest.WantError(t, err, kerr.ErrNoPartition, "partition letters:1: no such partition")
	_, err = c.SetGroupOffsets(kafkatest.Bounded(t), "g", []Target{at("nope", 0, 0)})
	kafkatest.WantError(t, err, kerr.ErrNoTopic, "topic nope: no such topic")
	_, err = c.GroupOffsets(kafkatest.Bounded(t), "g", nil)
	kafkatest.WantError(t, err, kerr.ErrNoGroup, "group g: no such group")
}

func TestAGroupThatOthersServeIsLeftAlone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	kafkatest.Fill(t, k, "letters", 5)
	other, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("letters"), kgo.ClientID("other"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitMarks())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	records := other.PollRecords(kafkatest.Bounded(t), 2).Records()
	if err := other.CommitRecords(kafkatest.Bounded(t), records...); err != nil {
		t.Fatal(err)
	}
	g, err := c.GroupOffsets(kafkatest.Bounded(t), "g", nil)
	holder := g.Holders()[record.TopicPartition{Topic: "letters", Partition: 0}]
	if err != nil || g.State != "Stable" || g.Protocol != "cooperative-sticky" || holder == nil || holder.ClientID != "other" {
		t.Fatalf("%v %+v", err, g)
	}
	if diff := cmp.Diff([]GroupOffset{offset("letters", 0, 0, 2, 5, 3)}, g.Offsets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = c.SetGroupOffsets(kafkatest.Bounded(t), "g", []Target{at("letters", 0, 0)})
	kafkatest.WantError(t, err, kerr.ErrForeign)
	if g, err = c.GroupOffsets(kafkatest.Bounded(t), "g", nil); err != nil || g.Offsets[0].Committed != 2 {
		t.Errorf("%v %+v", err, g.Offsets)
	}
}

func TestReachFollowsTheBrokers(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	c := openOn(t, k.ListenAddrs())
	kafkatest.Eventually(t, "a broker that answers", func() bool { return c.Reach() == nil })
	k.Close()
	kafkatest.Eventually(t, "no broker", func() bool { return c.Reach() != nil })
	away := openOn(t, []string{"127.0.0.1:1"})
	if err := away.Reach(); !errors.Is(err, kerr.ErrNotAsked) {
		t.Errorf("%v, and nobody was asked", err)
	}
	kafkatest.Eventually(t, "a question in vain", func() bool { err := away.Reach(); return err != nil && !errors.Is(err, kerr.ErrNotAsked) })
}

func TestOffsetsForTimes(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	kafkatest.Fill(t, k, "letters", 3)
	letters := record.TopicPartition{Topic: "letters", Partition: 0}
	now := time.Now()
	for _, q := range []struct {
		at   time.Time
		want int64
	}{{now.Add(-time.Hour), 0}, {time.Unix(-1, 0), 0}, {now.Add(time.Hour), 3}} {
		offsets, err := c.OffsetsForTimes(kafkatest.Bounded(t), map[record.TopicPartition]time.Time{letters: q.at})
		if err != nil || len(offsets) != 1 || offsets[0] != (record.PartitionOffset{TopicPartition: letters, Offset: q.want}) {
			t.Errorf("since %v: %v %v, want %d", q.at, offsets, err, q.want)
		}
	}
}

// A coordinator that has just moved, or begun, refuses what it takes a moment later.
func TestOffsetsAreSetWhileACoordinatorMoves(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.NotCoordinator, Count: 6})
	if _, err := c.SetGroupOffsets(kafkatest.Bounded(t), "group", []Target{at("letters", 0, 0)}); err != nil {
		t.Fatal(err)
	}
	if at := k.GroupInfo("group").Commits["letters"][0].Offset; at != 0 {
		t.Errorf("committed %d", at)
	}
}
