package consumer

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestWhatIsAcceptedIsCommitted(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 5), 0, 1, 2, 3, 4)
	if n := w.AcceptThrough(letters, 2); n != 3 {
		t.Fatalf("accepted %d, want 3", n)
	}
	committed(t, k, "letters", 3)
	if !w.Accept(letters, 4) || w.Accept(letters, 4) || w.Owed() != 1 {
		t.Errorf("owes %d after one record was accepted twice", w.Owed())
	}
	if !w.Accept(letters, 3) {
		t.Error("the last record is not owed")
	}
	committed(t, k, "letters", 5)
	if s := c.Counts(); s.Fetched != 5 || s.Lent != 5 || s.Acked != 5 || s.Stale != 1 {
		t.Errorf("counted %+v", s)
	}
}

// What is settled last is committed when the group is left: the commit interval is too long for that.
func TestCloseCommits(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, func(cfg *config.Config) { cfg.Consume.CommitInterval = time.Hour })
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	w.AcceptThrough(letters, 3)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	g := waitGroup(t, k, "an empty group", func(g *kfake.GroupInfo) bool { return len(g.Members) == 0 })
	if at := g.Commits["letters"][0].Offset; at != 4 {
		t.Errorf("committed %d, want 4", at)
	}
}

func TestMembersComeAndGoWithoutARebalance(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, nil)
	first := join(t, c, "first", topicsOf("letters"))
	wantTaken(t, first.take(t, 1), 0)
	before := k.GroupInfo("group").Epoch
	first.AcceptThrough(letters, 0)
	first.Leave(true)
	for offset := int64(1); offset < 3; offset++ {
		w := join(t, c, "other", topicsOf("letters"))
		wantTaken(t, w.take(t, 1), offset)
		w.AcceptThrough(letters, offset)
		w.Leave(false)
	}
	if g := k.GroupInfo("group"); g.Epoch != before || len(g.Members) != 1 {
		t.Errorf("generation %d with %d members, want %d with 1", g.Epoch, len(g.Members), before)
	}
	if s := c.Counts(); s.Subscriptions != 1 || s.Members != 0 {
		t.Errorf("%d subscriptions and %d members, want 1 and 0", s.Subscriptions, s.Members)
	}
}

func TestASubscriptionEndsAfterItsLinger(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, func(cfg *config.Config) { cfg.Consume.Linger = 100 * time.Millisecond })
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 3)
	w.AcceptThrough(letters, 2)
	w.Leave(true)
	g := waitGroup(t, k, "an empty group", func(g *kfake.GroupInfo) bool { return len(g.Members) == 0 })
	if at := g.Commits["letters"][0].Offset; at != 3 {
		t.Errorf("committed %d, want 3", at)
	}
	kafkatest.Eventually(t, "the subscription to be forgotten", func() bool { return c.Counts().Subscriptions == 0 })
	fill(t, c, "letters", 1)
	wantTaken(t, join(t, c, "a", topicsOf("letters")).take(t, 1), 3)
}

// A member comes back with other topics. What it owed of the old ones is not kept for it.
func TestOtherTopicsAreAnotherSubscription(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 2, func(cfg *config.Config) { cfg.Consume.MemberGrace = time.Hour })
	if err := k.CreateTopic("parcels", 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "parcels", 1)
	w, other := join(t, c, "a", topicsOf("letters")), join(t, c, "b", topicsOf("letters"))
	w.take(t, 2)
	w.Leave(false)
	moved := join(t, c, "a", topicsOf("parcels"))
	wantTaken(t, other.take(t, 2), 0, 1)
	if d := moved.next(t, 1)[0]; d.Topic != "parcels" {
		t.Errorf("lent %+v", d)
	}
}

// A topic that is named twice is one topic. librdkafka would refuse the list.
func TestATopicMayBeNamedTwice(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 1, nil)
	m, err := c.Join(Identity{"group", "a"}, topicsOf("letters", "letters"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	m.Leave(true)
}

func TestAPatternFindsTopicsThatComeLater(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters-a", "parcels"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Consumer = config.Properties{"topic.metadata.refresh.interval.ms": "100"}
	})
	fill(t, c, "letters-a", 1)
	fill(t, c, "parcels", 1)
	w := join(t, c, "a", topicsOf("^letters-.*"))
	if d := w.next(t, 1)[0]; d.Topic != "letters-a" {
		t.Fatalf("lent %+v", d)
	}
	if err := k.CreateTopic("letters-b", 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "letters-b", 1)
	if d := w.next(t, 1)[0]; d.Topic != "letters-b" {
		t.Fatalf("lent %+v", d)
	}
}

// A partition gets more records before it has none, not only once per tick. Once per tick would bound it to some ten
// thousand records a second.
func TestABacklogIsReadWithoutPauses(t *testing.T) {
	t.Parallel()
	var hold atomic.Bool
	held, goOn := kafkatest.NewBell(), make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	_, c := lettersOn(t, 10_000, func(cfg *config.Config) {
		cfg.Register = func(name string, _ time.Duration) (beat, end func()) {
			return func() {
				if name == "subscription:group" && hold.Load() {
					held.Ring()
					<-goOn
				}
			}, func() {}
		}
	})
	w := join(t, c, "a", SubscribeOptions{Topics: []string{"letters"}, Ack: AckNone})
	w.take(t, 1)
	hold.Store(true)
	kafkatest.Await(t, held, "the next round of the subscription")
	w.sub.woken.Store(false) // whoever called it before
	read := 1
	for !w.sub.woken.Load() {
		lent, err := w.Next(100, 1<<20, nil)
		if err != nil || len(lent) == 0 {
			t.Fatalf("dry after %d records, and the subscription was not called: %v", read, err)
		}
		read += len(lent)
	}
	if lent, err := w.Next(1, 1<<20, nil); err != nil || len(lent) != 1 {
		t.Errorf("dry after %d records, when the subscription is called: %v", read, err)
	}
	release()
	w.take(t, 10_000-read-1)
}

// A consumer that failed for good serves nobody any more. The next Join opens another, also while a member of the old
// one has not left yet.
func TestAFailedConsumerIsReplacedByTheNextJoin(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 2, func(cfg *config.Config) { cfg.Consumer = config.Properties{"group.instance.id": "one"} })
	in := topicsOf("letters")
	in.Overrides = config.Properties{"heartbeat.interval.ms": "100"}
	w := join(t, c, "a", in)
	join(t, c, "stays", in)
	w.take(t, 1)
	w.AcceptThrough(letters, 0)
	committed(t, k, "letters", 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: wireerr.FencedInstanceID, TopLevel: true, Count: 1})
	failed := func() bool {
		w.sub.mu.Lock()
		defer w.sub.mu.Unlock()
		return w.sub.obstacles.failed
	}
	kafkatest.Eventually(t, "the fatal error", failed)
	w.Leave(true)
	if again := join(t, c, "a", in); again.sub == w.sub {
		t.Fatal("joined the consumer that failed")
	}
}

// A topic that is deleted and created again starts at offset 0, with new records.
func TestATopicCreatedAgainIsReadFromItsStart(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, func(cfg *config.Config) {
		cfg.Consumer = config.Properties{"topic.metadata.refresh.interval.ms": "200"}
	})
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 10)
	w.AcceptThrough(letters, 9)
	committed(t, k, "letters", 10)
	if err := k.DeleteTopic("letters"); err != nil {
		t.Fatal(err)
	}
	if err := k.CreateTopic("letters", 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "letters", 1)
	wantTaken(t, w.take(t, 1), 0)
}

// Partitions move between two proxies of a group while members owe records. Nothing is lost.
func TestPartitionsMoveBetweenProxies(t *testing.T) {
	t.Parallel()
	const n = 400
	k := kafkatest.Brokers(t, kfake.SeedTopics(4, "letters"))
	quick := func(cfg *config.Config) { cfg.Consumer = config.Properties{"heartbeat.interval.ms": "100"} }
	one, two := openOn(t, k.ListenAddrs(), quick), openOn(t, k.ListenAddrs(), quick)
	fill(t, one, "letters", n)
	a := join(t, one, "a", topicsOf("letters"))
	seen := map[record.TopicPartition]map[int64]bool{}
	work := func(w *worker) {
		lent, err := w.Next(7, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range lent {
			if seen[d.TopicPartition] == nil {
				seen[d.TopicPartition] = map[int64]bool{}
			}
			seen[d.TopicPartition][d.Offset] = true
			w.Accept(d.TopicPartition, d.Offset)
		}
	}
	for _, d := range a.next(t, 1) {
		a.Return(d.TopicPartition, d.Offset)
	}
	b := join(t, two, "b", topicsOf("letters"))
	waitGroup(t, k, "two members", func(g *kfake.GroupInfo) bool { return len(g.Members) == 2 })
	kafkatest.Eventually(t, "all records", func() bool {
		work(a)
		work(b)
		total := 0
		for _, offsets := range seen {
			total += len(offsets)
		}
		return total == n
	})
	fill(t, one, "letters", 40)
	kafkatest.Eventually(t, "records on both sides", func() bool {
		work(a)
		work(b)
		return two.Counts().Acked > 0
	})
	waitGroup(t, k, "all commits", func(g *kfake.GroupInfo) bool {
		total := int64(0)
		for _, commit := range g.Commits["letters"] {
			total += commit.Offset
		}
		if total < n+40 {
			work(a)
			work(b)
		}
		return total == n+40
	})
}

// A client that closes while its group is still assigning leaves it, and does not wait for closeTimeout.
func TestCloseInTheMiddleOfAJoin(t *testing.T) {
	t.Parallel()
	for _, key := range []kmsg.Key{kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetFetch} {
		t.Run(key.Name(), func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
			j := &kafkatest.Journal{}
			c := openLogging(t, k.ListenAddrs(), slog.NewTextHandler(j, nil), nil)
			asked := k.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Observe: true, Count: -1})
			join(t, c, "a", topicsOf("letters"))
			kafkatest.Eventually(t, "the request", func() bool { return asked.Hits() > 0 })
			if err := shut(c, kafkatest.Patience); err != nil {
				t.Error(err)
			}
			if j.Count(`msg="subscription closed"`) != 1 || j.Count("not closed") != 0 {
				t.Errorf("the log is\n%s", j)
			}
		})
	}
}

// Otherwise the partitions would stay with a consumer whose records nobody takes.
func TestASubscriptionThatNobodyUsesMakesRoomForAnotherOfItsGroup(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, func(cfg *config.Config) { cfg.Consume.Linger = time.Hour })
	join(t, c, "a", topicsOf("letters", "others")).Leave(true)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 3), 0, 1, 2)
	waitGroup(t, k, "one member", func(g *kfake.GroupInfo) bool { return len(g.Members) == 1 })
}
