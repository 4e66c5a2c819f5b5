package consumer

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// choose is a member that has chosen its partitions.
func choose(t *testing.T, c *engine, partitions ...record.TopicPartition) *worker {
	t.Helper()
	return join(t, c, "a", SubscribeOptions{Partitions: partitions})
}

func TestAMemberChoosesItsPartitions(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, func(cfg *config.Config) { cfg.Consume.CommitInterval = time.Hour })
	w := choose(t, c, letters)
	wantTaken(t, w.take(t, 4), 0, 1, 2, 3)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 3}}); err != nil {
		t.Fatal(err)
	}
	g := k.GroupInfo("group")
	if g.Commits["letters"][0].Offset != 4 || len(g.Members) != 0 {
		t.Fatalf("the group is %+v, want no members and 4 committed", g)
	}
	w.take(t, 2)
	w.Leave(true)
	kafkatest.Eventually(t, "its consumer to end", func() bool { return c.Counts().Subscriptions == 0 })
	again := choose(t, c, letters)
	wantTaken(t, again.take(t, 2), 4, 5)
	if offsets, err := again.Committed(kafkatest.Bounded(t), []record.TopicPartition{letters, {Topic: "letters", Partition: 5}}); err != nil || len(offsets) != 1 || offsets[0] != (record.PartitionOffset{TopicPartition: letters, Offset: 4}) {
		t.Errorf("committed are %v %v", offsets, err)
	}
	if err := again.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: cluster.Beginning}}); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, again.take(t, 2), 0, 1)
	wantLeasesBalanced(t, c)
}

func TestAnotherChoiceKeepsWhatStays(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	fill(t, c, "letters", 100)
	one, two := record.TopicPartition{Topic: "letters", Partition: 0}, record.TopicPartition{Topic: "letters", Partition: 1}
	w := choose(t, c, one)
	wantTaken(t, w.take(t, 3), 0, 1, 2)
	w.Assign([]record.TopicPartition{one, two})
	kafkatest.Eventually(t, "both", func() bool { return len(w.Assigned()) == 2 })
	if w.Owed() != 3 {
		t.Errorf("owes %d, want 3: the partition stayed", w.Owed())
	}
	w.Assign([]record.TopicPartition{two})
	kafkatest.Eventually(t, "one", func() bool { return len(w.Assigned()) == 1 })
	if d := w.next(t, 1)[0]; d.TopicPartition != two || w.Owed() != 1 {
		t.Errorf("got %s, owes %d", d.TopicPartition, w.Owed())
	}
	wantLeasesBalanced(t, c)
}

// What a member orders is done in that order.
func TestAMemberCommitsRightAfterItsChoice(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	one, two := record.TopicPartition{Topic: "letters", Partition: 0}, record.TopicPartition{Topic: "letters", Partition: 1}
	w := choose(t, c, one)
	for offset, tp := range []record.TopicPartition{one, two, one, two} {
		w.Assign([]record.TopicPartition{tp})
		if err := w.CommitAt(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: tp, Offset: int64(offset)}}); err != nil {
			t.Error(err)
		}
	}
}

func TestWhoIsInNoGroupCannotCommitForOneThatHasMembers(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 10, never)
	member := join(t, c, "m", topicsOf("letters"))
	member.take(t, 1)
	w := choose(t, c, letters)
	w.take(t, 1)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); !errors.Is(err, kerr.ErrForeign) {
		t.Error(err)
	}
}

// librdkafka may tell again that there is no such group, after a member has sought an offset.
func TestWhatWasSoughtIsNotReset(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 5, nil)
	w := choose(t, c, letters)
	to := []record.PartitionOffset{{TopicPartition: letters, Offset: 3}}
	o, sought := &seek{offsets: to, left: to, member: w.inDispatch}, make(chan error, 1)
	var both func() // in one round: nothing is fetched between them
	both = func() {
		wait, err := w.sub.mayMove(o)
		if err == nil {
			wait, err = w.sub.move(o)
		}
		if wait {
			w.sub.doNextRound(both)
			return
		}
		w.sub.resetPartitions()
		sought <- err
	}
	w.sub.do(both)
	if err := <-sought; err != nil {
		t.Fatal(err)
	}
	wantTaken(t, w.take(t, 2), 3, 4)
}
