package consumer

import (
	"errors"
	"sync/atomic"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// lose has the coordinator forget the consumer, which then loses its partitions and joins again.
func lose(t *testing.T, k *kfake.Cluster, c *engine) {
	t.Helper()
	before := c.Counts().Rebalances
	lost := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: wireerr.UnknownMemberID, TopLevel: true, Count: 1})
	kafkatest.Eventually(t, "the loss", func() bool { return lost.Hits() == 1 && c.Counts().Rebalances >= before+2 })
}

// hasty are options of a consumer that soon notices the loss of its partitions.
func hasty() SubscribeOptions {
	in := topicsOf("letters")
	in.Overrides = config.Properties{"heartbeat.interval.ms": "100"}
	return in
}

// The coordinator was away, so acknowledged records could not be committed. They count when the partition comes back,
// also those behind a gap, which Kafka cannot store.
func TestWhatWasSettledCountsWhenThePartitionComesBack(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 20, never)
	w := join(t, c, "a", hasty())
	w.take(t, 10)
	w.AcceptThrough(letters, 4)
	for _, at := range []int64{6, 8} {
		w.Accept(letters, at)
	}
	lose(t, k, c)
	committed(t, k, "letters", 5) // the commit interval is an hour: this is the explicit commit
	wantTaken(t, w.take(t, 13), 5, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
	wantLeasesBalanced(t, c)
}

// An acknowledgement that is answered while the partition goes away is kept, too.
func TestWhatIsSettledWhileAPartitionGoesIsKept(t *testing.T) {
	t.Parallel()
	const records = 5000
	_, c := lettersOn(t, records, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, records)
	below := int64(0)
	for ; below < records/10; below++ {
		w.Accept(letters, below)
	}
	begun, settled, kept := make(chan struct{}), make(chan struct{}), make(chan int64, 1)
	w.sub.do(func() {
		c.memory.mu.Lock() // so the end of the partition takes long
		go func() { <-settled; c.memory.mu.Unlock() }()
		close(begun)
		w.sub.drop(letters)
		kept <- w.sub.history.settlements[letters].Position
	})
	<-begun
	for w.Accept(letters, below) {
		below++
	}
	close(settled)
	if at := <-kept; at != below {
		t.Errorf("all below %d was answered as done, and all below %d is kept", below, at)
	}
}

// The gap may be where the group began. Then there was nothing to commit.
func TestWhatWasSettledBehindTheFirstRecordCounts(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]int64{"of a new group": 0, "of one that has committed": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 10, never)
			if begins > 0 {
				placed(t, c, begins)
			}
			w := join(t, c, "a", hasty())
			w.take(t, 5)
			w.Accept(letters, begins+1)
			w.Accept(letters, begins+3)
			lose(t, k, c)
			wantTaken(t, w.take(t, 4), begins, begins+2, begins+4, begins+5)
			wantLeasesBalanced(t, c)
		})
	}
}

// A coordinator is silent for longer than a session. The group has forgotten its member, and acknowledged records were
// not committed.
func TestASilentCoordinatorCostsNoAcknowledgements(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 20, nil)
	in := hasty()
	in.Overrides["session.timeout.ms"] = "1000"
	w := join(t, c, "a", in)
	w.take(t, 15)
	w.AcceptThrough(letters, 4)
	committed(t, k, "letters", 5)
	var speaks atomic.Bool
	for _, key := range []kmsg.Key{kmsg.Heartbeat, kmsg.OffsetCommit, kmsg.FindCoordinator, kmsg.JoinGroup} {
		k.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			return nil, errors.New("no answer"), !speaks.Load()
		})
	}
	w.AcceptThrough(letters, 9)
	before := c.Counts().Rebalances
	kafkatest.Eventually(t, "the loss", func() bool { return c.Counts().Rebalances > before })
	speaks.Store(true)
	committed(t, k, "letters", 10)
	wantTaken(t, w.take(t, 10), 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
	wantLeasesBalanced(t, c)
}

// Settlements count for nothing when somebody else has committed meanwhile.
func TestWhatOthersCommittedMeanwhileCountsMore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		at   int64
		next int64
	}{{"further", 9, 9}, {"back", 1, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 20, never)
			placed(t, c, 2)
			in := hasty()
			in.Overrides["session.timeout.ms"] = "1000"
			w := join(t, c, "a", in)
			w.take(t, 8)
			w.AcceptThrough(letters, 4)
			rejoined := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: wireerr.CoordinatorLoadInProgress, TopLevel: true, Count: -1})
			before := c.Counts().Rebalances
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: wireerr.UnknownMemberID, TopLevel: true, Count: 1})
			kafkatest.Eventually(t, "the loss", func() bool { return c.Counts().Rebalances > before && rejoined.Hits() > 0 })
			moved(t, c, tt.at)
			rejoined.Remove()
			wantTaken(t, w.take(t, 2), tt.next, tt.next+1)
		})
	}
}

// moved commits an offset as soon as the group has lost its members.
func moved(t *testing.T, c *engine, at int64) {
	t.Helper()
	kafkatest.Eventually(t, "an empty group", func() bool {
		return commitAs(t, c, "group", record.PartitionOffset{TopicPartition: letters, Offset: at}) == nil
	})
}

// commitAs commits an offset in the name of a group that has no members.
func commitAs(t *testing.T, c *engine, group string, at record.PartitionOffset) error {
	return c.WithOffsetClient(kafkatest.Bounded(t), group, func(o *cluster.OffsetClient) error {
		return o.Commit(kafkatest.Bounded(t), []record.PartitionOffset{at})
	})
}

func TestWhatHolds(t *testing.T) {
	p := settlements{Settlements: ledger.Settlements{Position: 10}, committed: 4}
	for at, want := range map[int64]bool{-1: false, 3: false, 4: true, 10: true, 11: false} {
		if p.holds(at) != want {
			t.Errorf("committed at %d: %v", at, !want)
		}
	}
}
