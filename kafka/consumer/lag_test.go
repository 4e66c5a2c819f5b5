package consumer

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// soon makes the engine read the lag five times a second.
func soon(cfg *config.Config) { cfg.Consume.LagInterval = 200 * time.Millisecond }

// wantLag waits until the group's lag is read as these rows. Ages are for other tests.
func wantLag(t *testing.T, c *engine, want ...cluster.PartitionLag) {
	t.Helper()
	var diff string
	defer func() {
		if t.Failed() {
			t.Errorf("the lag (-want +got):\n%s", diff)
		}
	}()
	kafkatest.Eventually(t, "the lag", func() bool {
		got := c.Lags()
		for i := range got {
			got[i].Seconds = 0
		}
		diff = cmp.Diff(want, got)
		return diff == ""
	})
}

func lagOf(partition int32, committed, end, lag int64) cluster.PartitionLag {
	return cluster.PartitionLag{Group: "group", TopicPartition: record.TopicPartition{Topic: "letters", Partition: partition}, Committed: committed, End: end, Lag: lag}
}

func TestTheLagIsWhatTheBrokersSay(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, soon)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 4), 0, 1, 2, 3)
	wantLag(t, c, lagOf(0, -1, 10, 10)) // nothing was committed
	w.AcceptThrough(letters, 2)
	wantLag(t, c, lagOf(0, 3, 10, 7))
	if err := k.DeleteRecords("letters", 0, 5); err != nil {
		t.Fatal(err)
	}
	w.AcceptThrough(letters, 3)
	wantLag(t, c, lagOf(0, 4, 10, 6)) // the beginning was read before, and is used for a while
	w.Leave(false)
	fill(t, c, "letters", 5)
	wantLag(t, c, lagOf(0, 4, 15, 11)) // nobody is connected
}

func TestRecordsThatAreGoneAreNoLag(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, soon)
	if err := k.DeleteRecords("letters", 0, 6); err != nil {
		t.Fatal(err)
	}
	join(t, c, "a", topicsOf("letters"))
	wantLag(t, c, lagOf(0, -1, 10, 4))
}

func TestTheLagOfPartitionsThatAnotherProxyHas(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	quick := func(cfg *config.Config) { soon(cfg); cfg.Consumer = config.Properties{"heartbeat.interval.ms": "100"} }
	one, two := openOn(t, k.ListenAddrs(), quick), openOn(t, k.ListenAddrs(), quick)
	fill(t, one, "letters", 20)
	a := join(t, one, "a", topicsOf("letters"))
	for taken := 0; taken < 20; {
		for _, d := range a.next(t, 20) {
			a.Accept(d.TopicPartition, d.Offset)
			taken++
		}
	}
	join(t, two, "b", topicsOf("letters"))
	kafkatest.Eventually(t, "a partition on each side, and a reading of both on each", func() bool {
		return one.Status()[0].Partitions == 1 && len(one.Lags()) == 2 &&
			two.Status()[0].Partitions == 1 && len(two.Lags()) == 2
	})
	kafkatest.Eventually(t, "no lag: everything was settled", func() bool { // the last reading may be older than the last commit
		lags := two.Lags()
		return len(lags) == 2 && lags[0].Committed == lags[0].End && lags[1].Committed == lags[1].End && lags[0].Lag+lags[1].Lag == 0
	})
}

// A topic that is gone, and in which the group has committed offsets, must not hide the lag of others.
func TestATopicThatIsGoneHidesNoLag(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters", "parcels"))
	c := openOn(t, k.ListenAddrs(), soon)
	fill(t, c, "letters", 3)
	fill(t, c, "parcels", 3)
	w := join(t, c, "a", topicsOf("letters", "parcels"))
	for taken := 0; taken < 6; {
		for _, d := range w.next(t, 6) {
			w.Accept(d.TopicPartition, d.Offset)
			taken++
		}
	}
	kafkatest.Eventually(t, "two rows", func() bool { return len(c.Lags()) == 2 })
	if err := k.DeleteTopic("parcels"); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "letters", 2)
	wantLag(t, c, lagOf(0, 3, 5, 2))
}

func TestTheAgeOfALag(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 2, soon)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 2)
	sub := func() SubscriptionStatus { return c.Status()[0] }
	kafkatest.Eventually(t, "an age", func() bool { return sub().LagSeconds > 0.3 })
	s := sub()
	if s.Lag != 2 || s.LagSeconds > 60 || s.OldestUnacked <= 0 || s.OldestUnacked > time.Minute || s.Leased != 2 || s.Partitions != 1 || s.Rebalances != 1 {
		t.Errorf("the subscription is %+v", s)
	}
	want := []ledger.MemberStatus{{Name: "a", Connected: true, Owed: 2, Leases: 2}}
	if diff := cmp.Diff(want, s.Members); diff != "" {
		t.Errorf("the members (-want +got):\n%s", diff)
	}
	w.AcceptThrough(letters, 1)
	kafkatest.Eventually(t, "no lag", func() bool { return sub().Lag == 0 && sub().LagSeconds == 0 })
	if s := sub(); s.OldestUnacked != 0 {
		t.Errorf("nothing is owed since %v", s.OldestUnacked)
	}
}

// One question asks for all end offsets, whatever the number of groups and partitions.
func TestOneQuestionForAllEnds(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(8, "letters", "parcels"))
	c := openOn(t, k.ListenAddrs(), soon)
	fill(t, c, "letters", 1)
	fill(t, c, "parcels", 1)
	for _, group := range []string{"x", "y", "z"} {
		if _, err := c.Join(Identity{group, "a"}, topicsOf("letters", "parcels"), func() {}); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.Eventually(t, "the lag of three groups in 16 partitions", func() bool { return len(c.Lags()) == 48 })
	kafkatest.Eventually(t, "all that the groups themselves ask about their partitions", func() bool {
		return everywhere(c, func(s *subscription) bool {
			known := 0
			for _, f := range s.partitions {
				if f.commit.known && (f.memory.backlog.known || !s.memory.endsAsked) {
					known++
				}
			}
			return known == 16
		})
	})
	all := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
		n := 0
		for _, topic := range r.(*kmsg.ListOffsetsRequest).Topics {
			n += len(topic.Partitions)
		}
		return n == 16
	}})
	groups := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Observe: true, Count: -1})
	kafkatest.Eventually(t, "three readings", func() bool { return groups.Hits() >= 9 })
	least := groups.Hits() / 3
	n := all.Hits()
	most := groups.Hits() / 3
	if n < least-1 || n > most+1 { // the first and the last reading may have been counted in part
		t.Errorf("asked %d times for all ends in %d to %d readings of three groups", n, least, most)
	}
}

func TestAGroupThatStallsIsLoggedOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	j := &kafkatest.Journal{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(j)
		}
	})
	c := openLogging(t, k.ListenAddrs(), slog.NewTextHandler(j, nil), func(cfg *config.Config) {
		cfg.Consume.LagInterval, cfg.Consume.StallAfter = 100*time.Millisecond, 500*time.Millisecond
	})
	fill(t, c, "letters", 3)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 3)
	stalled := func() bool { return c.Status()[0].StalledPartitions == 1 }
	kafkatest.Eventually(t, "the stall", stalled)
	reading := c.LagsAsOf
	for after := reading(); reading().Before(after.Add(time.Second)); {
		kafkatest.Eventually(t, "another reading", func() bool { return reading().After(after.Add(time.Second)) })
	}
	w.AcceptThrough(letters, 2) // all: a group with nothing to do does not stall again
	kafkatest.Eventually(t, "the group to get on", func() bool { return !stalled() })
	if n, m := j.Count(`msg="group stalled`), j.Count(`msg="group gets on`); n != 1 || m != 1 {
		t.Errorf("logged a stall %d times and its end %d times", n, m)
	}
}

// A group that may not be read is left out; other groups are read.
func TestAGroupThatIsForbidden(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 1, soon)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: "aside", Err: wireerr.GroupAuthorizationFailed, Count: -1})
	if _, err := c.Join(Identity{"aside", "a"}, topicsOf("letters"), func() {}); err != nil {
		t.Fatal(err)
	}
	join(t, c, "a", topicsOf("letters"))
	wantLag(t, c, lagOf(0, -1, 1, 1))
	for _, s := range c.Status() {
		if want := map[string]int64{"group": 1, "aside": -1}[s.Group]; s.Lag != want {
			t.Errorf("the lag of %s is %d, want %d", s.Group, s.Lag, want)
		}
	}
}
