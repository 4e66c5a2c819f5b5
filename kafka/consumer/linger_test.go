package consumer

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
)

// deploying is a cluster with a topic of four partitions, a record in each, and another topic. The engine's
// subscriptions and members outlive their connections.
func deploying(t *testing.T, change func(*config.Config)) (*kfake.Cluster, *engine) {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(4, "letters"), kfake.SeedTopics(1, "others"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Consume.Linger, cfg.Consume.MemberGrace = time.Hour, time.Hour
		if change != nil {
			change(cfg)
		}
	})
	fillEach(t, c, "letters", 4)
	return k, c
}

// Worker 1 leaves. Worker 2 of the same group, with other topics or properties, waits and gets everything. The order in
// which they come and go does not matter.
func TestNothingLingersInAGroupWithMembersThatWait(t *testing.T) {
	t.Parallel()
	old := topicsOf("letters")
	for name, after := range map[string]SubscribeOptions{
		"a topic more":     topicsOf("letters", "others"),
		"another property": {Topics: []string{"letters"}, Overrides: config.Properties{"fetch.wait.max.ms": "100"}},
		"a pattern":        topicsOf("^let.*"),
		"KIP-848":          {Topics: []string{"letters", "others"}, Overrides: config.Properties{"group.protocol": "consumer"}},
	} {
		before := old
		if after.Overrides["group.protocol"] != "" {
			before.Overrides = after.Overrides
		}
		for order, play := range map[string]func(*testing.T, *engine) *worker{
			"the new one comes first": func(t *testing.T, c *engine) *worker {
				gone := join(t, c, "old", before)
				gone.next(t, 1)
				w := join(t, c, "new", after)
				gone.Leave(true)
				return w
			},
			"the old one goes first": func(t *testing.T, c *engine) *worker {
				gone := join(t, c, "old", before)
				gone.next(t, 1)
				gone.Leave(true)
				return join(t, c, "new", after)
			},
			"both have lingered": func(t *testing.T, c *engine) *worker {
				join(t, c, "old", before).Leave(true)
				join(t, c, "new", after).Leave(true)
				return join(t, c, "new", after)
			},
			"the same name": func(t *testing.T, c *engine) *worker {
				gone := join(t, c, "old", before)
				gone.next(t, 1)
				gone.Leave(false)
				return join(t, c, "old", after)
			},
		} {
			t.Run(name+", "+order, func(t *testing.T) {
				t.Parallel()
				k, c := deploying(t, nil)
				play(t, c).take(t, 4)
				waitGroup(t, k, "one member", func(g *kfake.GroupInfo) bool { return len(g.Members) == 1 })
			})
		}
	}
}

// A member that owes nothing is not kept, also when its last record was acknowledged after it had left.
func TestAPlaceIsKeptOnlyForWhatIsOwed(t *testing.T) {
	t.Parallel()
	k, c := deploying(t, nil)
	gone := join(t, c, "old", topicsOf("letters"))
	d := gone.next(t, 1)[0]
	w := join(t, c, "new", topicsOf("letters", "others"))
	gone.Leave(false)
	if !gone.Accept(d.TopicPartition, d.Offset) {
		t.Fatal("not accepted")
	}
	w.take(t, 3)
	waitGroup(t, k, "one member", func(g *kfake.GroupInfo) bool { return len(g.Members) == 1 })
}

// What a member owes is kept for the grace, and then goes to a member that waits.
func TestPartitionsMoveWhenTheGraceIsOver(t *testing.T) {
	t.Parallel()
	_, c := deploying(t, func(cfg *config.Config) { cfg.Consume.MemberGrace = 200 * time.Millisecond })
	gone := join(t, c, "old", topicsOf("letters"))
	gone.next(t, 1)
	w := join(t, c, "new", topicsOf("letters", "others"))
	gone.Leave(false)
	w.take(t, 4)
}

// A subscription of other topics may linger: nobody waits for its partitions.
func TestASubscriptionOfOtherTopicsLingers(t *testing.T) {
	t.Parallel()
	k, c := deploying(t, nil)
	join(t, c, "old", topicsOf("others")).Leave(true)
	w := join(t, c, "new", topicsOf("letters"))
	w.take(t, 4)
	waitGroup(t, k, "two members", func(g *kfake.GroupInfo) bool { return len(g.Members) == 2 })
	if n := c.Counts().Subscriptions; n != 2 {
		t.Errorf("%d subscriptions, want 2", n)
	}
}

// A visit counts that begins and ends within one round of the subscription.
func TestVisitsKeepASubscription(t *testing.T) {
	t.Parallel()
	const linger = 400 * time.Millisecond
	_, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Consume.Linger = linger })
	first := join(t, c, "a", topicsOf("letters"))
	first.take(t, 1)
	first.AcceptThrough(letters, 0)
	first.Leave(true)
	visits := time.NewTicker(20 * time.Millisecond)
	defer visits.Stop()
	for until := time.Now().Add(3 * linger); time.Now().Before(until); <-visits.C {
		w := join(t, c, "a", topicsOf("letters"))
		if w.sub != first.sub {
			t.Fatal("the subscription has ended between two visits")
		}
		w.Leave(true)
	}
}

// Clients of two subscriptions of a group come and go all the time. Each time would be a rebalance. So a subscription
// that is opened again at once stays for a moment.
func TestASubscriptionWhoseMembersComeAndGoStaysForAMoment(t *testing.T) {
	t.Parallel()
	s := &subscription{
		description: description{cfg: &config.Config{Consume: config.Consume{Linger: 30 * time.Second}}}, sharedState: sharedState{dispatch: ledger.NewDispatch(ledger.Ordered, 1, 1)},
	}
	if got := s.lingerTime(true); got != joiningTime {
		t.Errorf("stays for %v while it joins", got)
	}
	now := time.Now()
	s.assigned = true
	for _, c := range []struct{ absence, want time.Duration }{
		{0, 0}, {100 * time.Millisecond, 200 * time.Millisecond}, {800 * time.Millisecond, time.Second}, {2 * time.Second, 0},
	} {
		s.presence.longestAbsence = c.absence
		if got := s.lingerTime(true); got != c.want {
			t.Errorf("away for %v: stays for %v, want %v", c.absence, got, c.want)
		}
	}
	if got := s.lingerTime(false); got != 30*time.Second {
		t.Errorf("stays for %v where nobody waits", got)
	}
	d := departures{}
	for i := range 2 * mostDepartures {
		d.note(string(rune(i)), now, now)
	}
	if len(d) > mostDepartures {
		t.Errorf("%d departures are remembered", len(d))
	}
	d.note("a", now, now)
	if at := d.since("a", now.Add(time.Second/2)); !at.Equal(now) {
		t.Error("a departure just before is forgotten")
	}
	if at := d.since("a", now.Add(time.Second)); at.Equal(now) {
		t.Error("a departure counts twice")
	}
}

// A consumer without partitions must leave its group as well. Otherwise every rebalance would wait for it until its
// session ends.
func TestAConsumerWithoutPartitionsLeavesItsGroup(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]config.Properties{
		"classic": {"session.timeout.ms": "40000"}, "eager": {"session.timeout.ms": "40000", "partition.assignment.strategy": "range"},
		"KIP-848": {"group.protocol": "consumer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Consumer = with })
			w := join(t, c, "a", topicsOf("letters"))
			w.take(t, 1)
			spare := join(t, c, "b", SubscribeOptions{Topics: []string{"letters"}, Overrides: config.Properties{"fetch.wait.max.ms": "100"}})
			waitGroup(t, k, "two members", func(g *kfake.GroupInfo) bool { return len(g.Members) == 2 && g.State == "Stable" })
			w.Accept(letters, 0)
			spare.Leave(true)
			waitGroup(t, k, "one member", func(g *kfake.GroupInfo) bool { return len(g.Members) == 1 && g.State == "Stable" })
			fill(t, c, "letters", 1)
			w.take(t, 1)
		})
	}
}
