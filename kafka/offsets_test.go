package kafka

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func at(topic string, partition int32, offset int64) cluster.Target {
	return cluster.Target{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Offset: offset}
}

func offset(topic string, partition int32, begin, committed, end, lag int64) cluster.GroupOffset {
	return cluster.GroupOffset{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Begin: begin, Committed: committed, End: end, Lag: lag}
}

func TestTheOffsetsOfAGroupThatNobodyIsIn(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, "letters"), kfake.SeedTopics(1, "others"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	for i := range int64(4) {
		for _, partition := range []int32{0, 1, 2} {
			p.send(t, producer.Outgoing{Topic: "letters", Partition: partition, Timestamp: 1000 * (i + 1)})
		}
	}
	if _, err := c.GroupOffsets(kafkatest.Bounded(t), "fresh", nil); !errors.Is(err, kerr.ErrNoGroup) {
		t.Fatalf("of no group: %v", err)
	}
	got, err := c.SetGroupOffsets(kafkatest.Bounded(t), "fresh", []cluster.Target{
		at("letters", 0, 3), at("letters", 1, cluster.Latest), {TopicPartition: record.TopicPartition{Topic: "letters", Partition: 2}, Offset: cluster.AtTime, Time: 1500},
	})
	want := []cluster.GroupOffset{offset("letters", 0, 0, 3, 4, 1), offset("letters", 1, 0, 4, 4, 0), offset("letters", 2, 0, 1, 4, 3)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	g, err := c.GroupOffsets(kafkatest.Bounded(t), "fresh", nil)
	if diff := cmp.Diff(want, g.Offsets); diff != "" || err != nil || g.State != "Empty" || len(g.Members) != 0 {
		t.Errorf("%v %+v (-want +got):\n%s", err, g, diff)
	}
	got, err = c.SetGroupOffsets(kafkatest.Bounded(t), "fresh", []cluster.Target{at("letters", 0, cluster.Earliest), {TopicPartition: record.TopicPartition{Topic: "letters", Partition: 1}, Offset: cluster.AtTime, Time: 9000}})
	if diff := cmp.Diff([]cluster.GroupOffset{offset("letters", 0, 0, 0, 4, 4), offset("letters", 1, 0, 4, 4, 0)}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	g, err = c.GroupOffsets(kafkatest.Bounded(t), "fresh", []string{"others"})
	if diff := cmp.Diff([]cluster.GroupOffset{offset("others", 0, 0, -1, 0, 0)}, g.Offsets); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestOffsetsThatCannotBeSet(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	var beyond *cluster.BeyondError
	if _, err := c.SetGroupOffsets(kafkatest.Bounded(t), "g", []cluster.Target{at("letters", 0, 1)}); !errors.As(err, &beyond) || beyond.End != 0 {
		t.Errorf("beyond the end: %v", err)
	}
	_, err := c.SetGroupOffsets(kafkatest.Bounded(t), "g", []cluster.Target{at("letters", 1, 0)})
	wantError(t, err, kerr.ErrNoPartition, "partition letters:1: no such partition")
	_, err = c.SetGroupOffsets(kafkatest.Bounded(t), "g", []cluster.Target{at("nope", 0, 0)})
	wantError(t, err, kerr.ErrNoTopic, "topic nope: no such topic")
	_, err = c.GroupOffsets(kafkatest.Bounded(t), "g", nil)
	wantError(t, err, kerr.ErrNoGroup, "group g: no such group")
}

func TestAGroupThatOthersServeIsLeftAlone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	fill(t, c, "letters", 5)
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
	if diff := cmp.Diff([]cluster.GroupOffset{offset("letters", 0, 0, 2, 5, 3)}, g.Offsets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = c.SetGroupOffsets(kafkatest.Bounded(t), "g", []cluster.Target{at("letters", 0, 0)})
	wantError(t, err, kerr.ErrForeign, "")
	if g, err = c.GroupOffsets(kafkatest.Bounded(t), "g", nil); err != nil || g.Offsets[0].Committed != 2 {
		t.Errorf("%v %+v", err, g.Offsets)
	}
}

func TestAGroupOfOursIsMoved(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"), kfake.SeedTopics(1, "others"))
			c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Consumer = config.Properties{"group.protocol": protocol} })
			fill(t, c, "letters", 5)
			w := join(t, c, "a", topicsOf("letters"))
			wantTaken(t, w.take(t, 3), 0, 1, 2)
			before, err := c.GroupOffsets(kafkatest.Bounded(t), "group", nil)
			if diff := cmp.Diff([]cluster.GroupOffset{offset("letters", 0, 0, -1, 5, 5)}, before.Offsets); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			got, err := c.SetGroupOffsets(kafkatest.Bounded(t), "group", []cluster.Target{at("letters", 0, 1)})
			if diff := cmp.Diff([]cluster.GroupOffset{offset("letters", 0, 0, 1, 5, 4)}, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			wantTaken(t, w.take(t, 4), 1, 2, 3, 4)
			g, err := c.GroupOffsets(kafkatest.Bounded(t), "group", nil)
			if err != nil || len(g.Offsets) != 1 || g.Offsets[0].End != 5 {
				t.Errorf("%v %+v", err, g)
			}
			_, err = c.SetGroupOffsets(kafkatest.Bounded(t), "group", []cluster.Target{at("letters", 0, 1), at("others", 0, 0)})
			wantError(t, err, kerr.ErrNotHere, "others:0: not assigned here")
			consumer.wantBooks(t, c)
		})
	}
}

func TestAllGroupsAreListed(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	for i := range 3 {
		if _, err := c.SetGroupOffsets(kafkatest.Bounded(t), fmt.Sprint("g", 2-i), []cluster.Target{at("letters", 0, cluster.Earliest)}); err != nil {
			t.Fatal(err)
		}
	}
	join(t, c, "a", topicsOf("letters"))
	kafkatest.Eventually(t, "four groups", func() bool {
		groups, err := c.Groups(kafkatest.Bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		return len(groups) == 4 && groups[0].Name == "g0" && groups[0].State == "Empty" && groups[3].State == "Stable" && len(groups[3].Members) == 1
	})
}

// Who reads is in no group, so that there is none afterwards.
func TestAReadingLeavesNoGroup(t *testing.T) {
	t.Parallel()
	_, c := consumer.lettersOn(t, 3, nil)
	page, err := c.Read(kafkatest.Bounded(t), reader.Reading{Target: at("letters", 0, 0), Records: 100, Bytes: 1 << 20})
	if err != nil || len(page.Records) != 3 {
		t.Fatalf("%v %v", page, err)
	}
	if groups, err := c.Groups(kafkatest.Bounded(t)); err != nil || len(groups) > 0 {
		t.Errorf("a reading left a trace: %v %v", groups, err)
	}
}
