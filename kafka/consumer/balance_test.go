package consumer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
)

// restless is a member that does everything a client may do, in random order, until stop is closed.
func restless(c *engine, name string, stop <-chan struct{}) error {
	chance := rand.New(rand.NewPCG(7, uint64(len(name))))
	var m *Member
	var held []ledger.Delivery
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if m == nil {
			joined, err := c.Join(Identity{"group", name}, topicsOf("letters"), func() {})
			if err != nil {
				return err
			}
			m = joined
		}
		switch chance.IntN(8) {
		case 0:
			m.Leave(chance.IntN(2) == 0)
			m = nil
		case 1, 2, 3:
			lent, err := m.Next(1+chance.IntN(5), 1<<20, nil)
			if err == nil {
				held = append(held, lent...)
			}
		default:
			held = settleOne(m, held, chance)
		}
	}
}

// settleOne settles a random record that the member was lent once, owed or not.
func settleOne(m *Member, held []ledger.Delivery, chance *rand.Rand) []ledger.Delivery {
	if len(held) == 0 {
		return held
	}
	i := chance.IntN(len(held))
	d := held[i]
	switch chance.IntN(4) {
	case 0:
		m.Return(d.TopicPartition, d.Offset)
	case 1:
		m.AcceptThrough(d.TopicPartition, d.Offset)
	default:
		m.Accept(d.TopicPartition, d.Offset)
	}
	held[i] = held[len(held)-1]
	return held[:len(held)-1]
}

// Two proxies share a group. Members come, go and settle; partitions move. Whenever the counts are read, every lease has
// one end or none, and no counter has gone back.
func TestTheBooksBalanceAtEveryMoment(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(4, "letters"))
	quick := func(cfg *config.Config) {
		cfg.Consumer, cfg.Consume.MemberGrace = config.Properties{"heartbeat.interval.ms": "100"}, 20*time.Millisecond
		cfg.Consume.Linger, cfg.Consume.RevokeGrace = 20*time.Millisecond, 50*time.Millisecond
	}
	one, two := openOn(t, k.ListenAddrs(), quick), openOn(t, k.ListenAddrs(), quick)
	fill(t, one, "letters", 1000)
	stop := make(chan struct{})
	failed := make(chan error, 6)
	var members sync.WaitGroup
	for i := range cap(failed) {
		members.Go(func() {
			if err := restless([]*engine{one, two}[i%2], fmt.Sprint("member", i), stop); err != nil {
				failed <- err
			}
		})
	}
	before := map[*engine]map[string]GroupTopicCounts{one: {}, two: {}}
	enough, limit := time.Now().Add(2*time.Second), time.Now().Add(3*kafkatest.Patience)
	// Members that leave while others join keep a group waiting for seconds on a busy machine.
	for now := time.Now(); now.Before(enough) || accepted(one)+accepted(two) == 0 && now.Before(limit); now = time.Now() {
		for c, rows := range before {
			wantBalanced(t, c, rows)
		}
		select {
		case err := <-failed:
			t.Error(err)
		default:
		}
	}
	close(stop)
	members.Wait()
	wantNothingLeased(t, one, two)
	if accepted(one)+accepted(two) == 0 {
		t.Error("nothing was accepted: this was no test")
	}
}

func accepted(c *engine) (n int64) {
	for _, r := range c.Consumed() {
		n += r.Accepted
	}
	return n
}

func wantBalanced(t *testing.T, c *engine, before map[string]GroupTopicCounts) {
	t.Helper()
	for _, r := range c.Consumed() {
		b := before[r.Group+r.Topic]
		if r.Lent != r.Accepted+r.Released+r.Rejected+r.Leased || r.Leased < 0 {
			t.Fatalf("out of balance: %+v", r)
		}
		if r.Fetched < b.Fetched || r.Lent < b.Lent || r.Accepted < b.Accepted || r.Released < b.Released || r.Redelivered < b.Redelivered || r.Stale < b.Stale {
			t.Fatalf("after %+v came %+v", b, r)
		}
		before[r.Group+r.Topic] = r
	}
}

func wantNothingLeased(t *testing.T, clients ...*engine) {
	t.Helper()
	for _, c := range clients {
		if err := shut(c, kafkatest.Patience); err != nil {
			t.Error(err)
		}
		for _, r := range c.Consumed() {
			if r.Leased != 0 {
				t.Errorf("nobody holds anything any more: %+v", r)
			}
		}
	}
}
