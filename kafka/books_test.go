package kafka

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// wantProduced holds the books against rows of topic, accepted, bytes and outcomes. The others' row
// is left out when it is empty.
func wantProduced(t *testing.T, c *Client, want ...producer.ProducedRow) {
	t.Helper()
	var got []producer.ProducedRow
	for _, r := range c.Produced() {
		if r.Topic != "" || r.Accepted > 0 {
			got = append(got, r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the books of what was produced (-want +got):\n%s", diff)
	}
}

func TestEveryProducedRecordIsInItsTopicsRow(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters", "parcels", "cards"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopicRows = 2 })
	p := newCaller(t, c)
	for _, topic := range []string{"letters", "parcels", "cards", "letters", "cards"} {
		wantOutcome(t, p.deliver(t, topic, []byte("four")), record.OK)
	}
	wantOutcome(t, p.deliver(t, "nowhere", []byte("four")), record.Rejected)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.InvalidRecord})
	if err := p.Deliver([]byte("parcels"), []byte("key"), []byte("four")); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.outcomes(t, 1), record.Rejected)
	wantProduced(t, c,
		producer.ProducedRow{Topic: "", Accepted: 3, Bytes: 12, Ended: [4]int64{record.OK: 2, record.Rejected: 1}},
		producer.ProducedRow{Topic: "letters", Accepted: 2, Bytes: 8, Ended: [4]int64{record.OK: 2}},
		producer.ProducedRow{Topic: "parcels", Accepted: 2, Bytes: 11, Ended: [4]int64{record.OK: 1, record.Rejected: 1}},
	)
	allEnded(t, c, 7)
}

// A row that is full stays so: what was counted among the others ends there, whatever becomes of the bound.
func TestATopicKeepsItsRow(t *testing.T) {
	t.Parallel()
	b := producer.newProducedBooks(1)
	own, other := b.admit("a", 1).row, b.admit("b", 1).row
	if own == b.others || other != b.others {
		t.Fatalf("rows %p and %p, the others' is %p", own, other, b.others)
	}
	if b.admit("b", 2).row != other || b.of("b").row != other || b.of("a").row != own {
		t.Error("a topic moved to another row")
	}
	if third := b.admit("c", 2); third.row == b.others {
		t.Error("no row for the second of two topics")
	}
}

func TestARecordAtTheGateIsHeldAndInFlight(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	bufferThree(t, c)
	for _, p := range c.Status().Profiles {
		want := map[string]int64{config.Buffered: 3}[p.Name]
		if p.Held != want || p.InFlight != want {
			t.Errorf("%s: %d held, %d in flight, want %d", p.Name, p.Held, p.InFlight, want)
		}
	}
	wantProduced(t, c)
	wantUndelivered(t, c, "3")
	wantProduced(t, c, producer.ProducedRow{Accepted: 3, Bytes: 3, Ended: [4]int64{record.Retry: 3}})
}

func TestInFlightIsByProfile(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	mute(k)
	bufferThree(t, c)
	defer func() { _ = shut(c, time.Second) }()
	for _, p := range c.Status().Profiles {
		if want := map[string]int64{config.Buffered: 3}[p.Name]; p.InFlight != want || p.Held != 0 {
			t.Errorf("%s: %d in flight, %d held, want %d and none", p.Name, p.InFlight, p.Held, want)
		}
		if want := map[string]uint64{config.Delivered: 1}[p.Name]; p.AckLatency.Count != want {
			t.Errorf("%s: the time of %d records is known, want %d", p.Name, p.AckLatency.Count, want)
		}
	}
}

// What is read while records come and go must add up, and never go back.
func TestTheBooksNeverGoBack(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters", "parcels"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopicRows = 1 })
	const n = 20_000
	done := make(chan error, 2)
	for i := range 2 {
		p := newCaller(t, c)
		go func() { done <- bufferMany(p, []string{"letters", "parcels"}[i], n) }()
	}
	before := map[string]producer.ProducedRow{}
	for running := 2; running > 0; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running--
		default:
		}
		for _, r := range c.Produced() {
			b := before[r.Topic]
			if r.Pending() < 0 || r.Accepted < b.Accepted || r.Bytes < b.Bytes || r.Ended[record.OK] < b.Ended[record.OK] {
				t.Fatalf("after %+v came %+v", b, r)
			}
			before[r.Topic] = r
		}
	}
	kafkatest.Eventually(t, "all reports", func() bool { return c.Stats().Pending == 0 })
	allEnded(t, c, 2*n)
	for _, p := range c.Status().Profiles {
		if want := map[string]uint64{config.Buffered: 2 * n}[p.Name]; p.AckLatency.Count != want {
			t.Errorf("%s: the time of %d records is counted, want %d", p.Name, p.AckLatency.Count, want)
		}
	}
}

func bufferMany(p *caller, topic string, n int) error {
	for range n {
		for !p.Room() {
			select {
			case <-p.woken:
			case <-time.After(kafkatest.Patience):
				return fmt.Errorf("no room: %d pending", p.Pending())
			}
		}
		err := p.Buffer([]byte(topic), nil, []byte("a record"))
		for errors.Is(err, kerr.ErrFull) { // as sessions do
			err = p.Buffer([]byte(topic), nil, []byte("a record"))
		}
		if err != nil {
			return err
		}
	}
	p.Push()
	return nil
}

// wantConsumed holds the books of what was lent against rows. What stands now is for other tests.
func wantConsumed(t *testing.T, c *Client, want ...consumer.ConsumedRow) {
	t.Helper()
	now := cmpopts.IgnoreFields(consumer.ConsumedRow{}, "StandingAge", "StandingAttempts")
	deadline := time.Now().Add(kafkatest.Patience)
	for !cmp.Equal(want, c.Consumed(), now) && time.Now().Before(deadline) {
		runtime.Gosched() // fetching goes on by itself
	}
	if diff := cmp.Diff(want, c.Consumed(), now); diff != "" {
		t.Errorf("the books of what was lent (-want +got):\n%s", diff)
	}
}

func TestEveryLeaseHasOneEnd(t *testing.T) {
	t.Parallel()
	_, c := consumer.lettersOn(t, 10, func(cfg *config.Config) { cfg.MemberGrace, cfg.SubscriptionLinger = time.Hour, 50*time.Millisecond })
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 4), 0, 1, 2, 3)
	w.AcceptThrough(consumer.letters, 1)
	w.Accept(consumer.letters, 1)                                // again: stale
	w.Accept(record.TopicPartition{Topic: "x", Partition: 0}, 1) // of a partition that nobody ever had
	w.Release(consumer.letters, 3, 0)
	wantConsumed(t, c,
		consumer.ConsumedRow{Stale: 1},
		consumer.ConsumedRow{Group: "group", Topic: "letters", Fetched: 10, Lent: 4, Accepted: 2, Released: 1, Stale: 1, Leased: 1})
	w.Leave(false)
	again := join(t, c, "a", topicsOf("letters")) // takes back 2
	again.Accept(consumer.letters, 2)             // was under way
	wantTaken(t, again.take(t, 2), 3, 4)
	again.Leave(true)
	want := consumer.ConsumedRow{Group: "group", Topic: "letters", Fetched: 10, Lent: 7, Accepted: 3, Released: 4, Redelivered: 1, Stale: 1}
	wantConsumed(t, c, consumer.ConsumedRow{Stale: 1}, want)
	kafkatest.Eventually(t, "the end of the subscription", func() bool { return c.Stats().Subscriptions == 0 })
	kafkatest.Eventually(t, "the end of its books", func() bool {
		c.groups.leases.mu.Lock()
		defer c.groups.leases.mu.Unlock()
		return len(c.groups.leases.open) == 0
	})
	wantConsumed(t, c, consumer.ConsumedRow{Stale: 1}, want)
	wantTaken(t, join(t, c, "b", topicsOf("letters")).take(t, 1), 3)
	want.Fetched, want.Lent, want.Leased = 17, 8, 1
	wantConsumed(t, c, consumer.ConsumedRow{Stale: 1}, want)
}

// A client that goes takes its leases with it: nobody holds them any more.
func TestCloseEndsEveryLease(t *testing.T) {
	t.Parallel()
	_, c := consumer.lettersOn(t, 3, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 3), 0, 1, 2)
	w.Accept(record.TopicPartition{Topic: "letters", Partition: 0}, 0)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	w.Accept(record.TopicPartition{Topic: "letters", Partition: 0}, 1)
	wantConsumed(t, c, consumer.ConsumedRow{Group: "group", Topic: "letters", Fetched: 3, Lent: 3, Accepted: 1, Released: 2, Stale: 1})
}

func TestTheRowsOfGroupsAreBounded(t *testing.T) {
	t.Parallel()
	b := consumer.newLeaseBooks()
	for i := range 2 * consumer.leaseRows {
		m := b.admit(fmt.Sprint("group", i), "t")
		if own := m != (consumer.rowKey{}); own != (i < consumer.leaseRows) {
			t.Fatalf("group %d has a row of its own: %v", i, own)
		}
		b.stale(fmt.Sprint("group", i), fmt.Sprint("topic", i))
		b.rebalanced(fmt.Sprint("group", i))
	}
	if len(b.past) > consumer.leaseRows+1 || len(b.rebalances) > consumer.leaseRows+1 {
		t.Errorf("%d rows, %d groups with rebalances", len(b.past), len(b.rebalances))
	}
	if n := b.past[consumer.rowKey{}].stale; n != 2*consumer.leaseRows {
		t.Errorf("%d stale settlements, want %d", n, 2*consumer.leaseRows)
	}
	if m := (consumer.rowKey{"group0", "t"}); b.admit(m.group, m.topic) != m {
		t.Error("a row was given up")
	}
}
