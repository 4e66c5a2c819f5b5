package consumer

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// wantConsumed compares the counts with rows. Other tests check standing and failing records.
func wantConsumed(t *testing.T, c *engine, want ...GroupTopicCounts) {
	t.Helper()
	now := cmpopts.IgnoreFields(GroupTopicCounts{}, "StandingAge", "StandingAttempts", "Failing", "Held")
	deadline := time.Now().Add(kafkatest.Patience)
	for !cmp.Equal(want, c.Consumed(), now) && time.Now().Before(deadline) {
		runtime.Gosched() // fetching goes on meanwhile
	}
	if diff := cmp.Diff(want, c.Consumed(), now); diff != "" {
		t.Errorf("the counts of what was lent (-want +got):\n%s", diff)
	}
}

func TestEveryLeaseHasOneEnd(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 10, func(cfg *config.Config) { cfg.Consume.MemberGrace, cfg.Consume.Linger = time.Hour, 50*time.Millisecond })
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 4), 0, 1, 2, 3)
	w.AcceptThrough(letters, 1)
	w.Accept(letters, 1)                                         // again: stale
	w.Accept(record.TopicPartition{Topic: "x", Partition: 0}, 1) // of a partition that was never assigned
	w.Fail(letters, 3, failures.Failure{}, 0)
	wantConsumed(t, c,
		GroupTopicCounts{Stale: 1},
		GroupTopicCounts{Group: "group", Topic: "letters", Fetched: 10, Lent: 4, Accepted: 2, Released: 1, Stale: 1, Leased: 1})
	w.Leave(false)
	again := join(t, c, "a", topicsOf("letters")) // takes back record 2
	again.Accept(letters, 2)                      // the acknowledgement was under way
	wantTaken(t, again.take(t, 2), 3, 4)
	again.Leave(true)
	want := GroupTopicCounts{Group: "group", Topic: "letters", Fetched: 10, Lent: 7, Accepted: 3, Released: 4, Redelivered: 1, Stale: 1}
	wantConsumed(t, c, GroupTopicCounts{Stale: 1}, want)
	kafkatest.Eventually(t, "the end of the subscription", func() bool { return c.Counts().Subscriptions == 0 })
	kafkatest.Eventually(t, "its counts to be taken over", func() bool {
		c.leases.mu.Lock()
		defer c.leases.mu.Unlock()
		return len(c.leases.open) == 0
	})
	wantConsumed(t, c, GroupTopicCounts{Stale: 1}, want)
	wantTaken(t, join(t, c, "b", topicsOf("letters")).take(t, 1), 3)
	want.Fetched, want.Lent, want.Leased = 17, 8, 1
	wantConsumed(t, c, GroupTopicCounts{Stale: 1}, want)
}

// A client that ends takes its leases back: no member holds them any more.
func TestCloseEndsEveryLease(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 3, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 3), 0, 1, 2)
	w.Accept(record.TopicPartition{Topic: "letters", Partition: 0}, 0)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	w.Accept(record.TopicPartition{Topic: "letters", Partition: 0}, 1)
	wantConsumed(t, c, GroupTopicCounts{Group: "group", Topic: "letters", Fetched: 3, Lent: 3, Accepted: 1, Released: 2, Stale: 1})
}

func TestTheRowsOfGroupsAreBounded(t *testing.T) {
	t.Parallel()
	b := newLeaseTable()
	for i := range 2 * leaseRows {
		m := b.admit(fmt.Sprint("group", i), "t")
		if own := m != (rowKey{}); own != (i < leaseRows) {
			t.Fatalf("group %d has a row of its own: %v", i, own)
		}
		b.stale(fmt.Sprint("group", i), fmt.Sprint("topic", i))
		b.rebalanced(fmt.Sprint("group", i))
	}
	if len(b.ended) > leaseRows+1 || len(b.rebalances) > leaseRows+1 {
		t.Errorf("%d rows, %d groups with rebalances", len(b.ended), len(b.rebalances))
	}
	if n := b.ended[rowKey{}].stale; n != 2*leaseRows {
		t.Errorf("%d stale settlements, want %d", n, 2*leaseRows)
	}
	if m := (rowKey{"group0", "t"}); b.admit(m.group, m.topic) != m {
		t.Error("a row was given up")
	}
}
