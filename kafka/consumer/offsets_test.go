package consumer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func at(topic string, partition int32, offset int64) cluster.Target {
	return cluster.Target{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Offset: offset}
}

func offset(topic string, partition int32, begin, committed, end, lag int64) cluster.GroupOffset {
	return cluster.GroupOffset{TopicPartition: record.TopicPartition{Topic: topic, Partition: partition}, Begin: begin, Committed: committed, End: end, Lag: lag}
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
			kafkatest.WantError(t, err, kerr.ErrNotHere, "others:0: not assigned here")
			wantLeasesBalanced(t, c)
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
