package consumer

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
)

func TestOnlyEqualInterestsShareASubscription(t *testing.T) {
	key := func(group string, overrides config.Properties, topics ...string) string {
		in := SubscribeOptions{Topics: topics, Overrides: overrides}
		return in.key(group)
	}
	one := key("g", config.Properties{"a": "1", "b": "2"}, "t", "u")
	for _, same := range []string{key("g", config.Properties{"b": "2", "a": "1"}, "u", "t"), key("g", config.Properties{"b": "2", "a": "1"}, "u", "t", "u")} {
		if same != one {
			t.Errorf("%s is not %s", same, one)
		}
	}
	for _, other := range []string{
		key("h", config.Properties{"a": "1", "b": "2"}, "t", "u"),
		key("g", config.Properties{"a": "1"}, "t", "u"),
		key("g", config.Properties{"a": "1", "b": "3"}, "t", "u"),
		key("g", config.Properties{"a": "1", "b": "2"}, "t"),
		key("g", config.Properties{"a": "1", "b": "2"}, "t u"),
		key("g", config.Properties{"a": `1" "b"="2`}, "t", "u"),
	} {
		if other == one {
			t.Errorf("%s is shared by different interests", other)
		}
	}
}

func TestTheSameNameGetsItsRecordsAgainFromTheLowest(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 5, nil)
	old := join(t, c, "a", topicsOf("letters"))
	old.take(t, 4)
	old.Accept(letters, 1)
	old.Leave(false)
	again := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, again.take(t, 2), 0, 2)
	if !old.Accept(letters, 0) {
		t.Error("an acknowledgement that was under way did not count")
	}
	wantTaken(t, again.take(t, 2), 3, 4)
	old.Leave(false) // the old connection ends late
	if again.Owed() != 3 {
		t.Errorf("owes %d, want 3", again.Owed())
	}
}

func TestOthersGetTheRecordsWhenTheGraceIsOver(t *testing.T) {
	t.Parallel()
	const grace = 400 * time.Millisecond
	_, c := lettersOn(t, 3, func(cfg *config.Config) { cfg.Consume.MemberGrace = grace })
	gone, other := join(t, c, "gone", topicsOf("letters")), join(t, c, "other", topicsOf("letters"))
	gone.take(t, 3)
	left := time.Now()
	gone.Leave(false)
	lent := other.next(t, 1)
	if waited := time.Since(left); waited < grace || lent[0].Offset != 0 || lent[0].Attempt != 2 {
		t.Errorf("%+v came after %v", lent[0], waited)
	}
	wantTaken(t, other.take(t, 2), 1, 2)
	kafkatest.Eventually(t, "the member to be forgotten", func() bool { return c.Find(Identity{"group", "gone"}) == nil })
	if gone.AcceptThrough(letters, 2) != 0 {
		t.Error("settled what others were lent")
	}
}

func TestAPoliteGoodbyeReleasesAtOnce(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 3, func(cfg *config.Config) { cfg.Consume.MemberGrace = time.Hour })
	gone, other := join(t, c, "gone", topicsOf("letters")), join(t, c, "other", topicsOf("letters"))
	gone.take(t, 3)
	other.quiet(t, 150*time.Millisecond)
	gone.Leave(true)
	wantTaken(t, other.take(t, 3), 0, 1, 2)
}

func TestAMemberThatNeverSettlesIsTold(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 20, func(cfg *config.Config) { cfg.Consume.WindowRecords = 5 })
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	var full *ledger.WindowError
	if _, err := w.Next(1, 1, nil); !errors.As(err, &full) || full.Records != 5 {
		t.Fatalf("got %v", err)
	}
	w.AcceptThrough(letters, 1)
	wantTaken(t, w.take(t, 2), 5, 6)
}

func TestALiveIdentityIsTaken(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 1, nil)
	w := join(t, c, "a", topicsOf("letters"))
	for _, in := range []SubscribeOptions{topicsOf("letters"), topicsOf("others"), topicsOf("letters", "others")} {
		if _, err := c.Join(w.Identity(), in, func() {}); !isTaken(err) {
			t.Errorf("%v: %v", in.Topics, err)
		}
	}
	if s := c.Counts(); s.Subscriptions != 1 {
		t.Errorf("%d subscriptions, want 1: refused members opened some", s.Subscriptions)
	}
	w.Leave(false)
	join(t, c, "a", topicsOf("letters"))
}

func TestAReleasedRecordComesAgainAfterItsDelay(t *testing.T) {
	t.Parallel()
	const delay = 300 * time.Millisecond
	_, c := lettersOn(t, 2, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 2)
	released := time.Now()
	if !w.Fail(letters, 0, failures.Failure{}, delay) || w.Fail(letters, 0, failures.Failure{}, delay) {
		t.Fatal("a record can be released once")
	}
	d := w.next(t, 1)[0]
	if waited := time.Since(released); waited < delay || d.Offset != 0 || d.Attempt != 2 {
		t.Errorf("%d came for the %d. time after %v", d.Offset, d.Attempt, waited)
	}
	if !w.Fail(letters, 1, failures.Failure{}, 0) {
		t.Fatal("not released")
	}
	wantTaken(t, w.take(t, 1), 1)
	if s := c.Counts(); s.Released != 2 || s.Redelivered != 2 {
		t.Errorf("counted %+v", s)
	}
}

func TestAskingForTheNextAcceptsTheLast(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, nil)
	w := join(t, c, "a", SubscribeOptions{Topics: []string{"letters"}, Ack: AckNext})
	w.take(t, 1)
	w.take(t, 1)
	committed(t, k, "letters", 1)
	if w.Owed() != 1 {
		t.Errorf("owes %d, want the last one", w.Owed())
	}
	w.Leave(false)
	again := join(t, c, "a", SubscribeOptions{Topics: []string{"letters"}, Ack: AckNext})
	wantTaken(t, again.take(t, 1), 1)
}

func TestAtMostOnceAcceptsWhatItLends(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, nil)
	w := join(t, c, "a", SubscribeOptions{Topics: []string{"letters"}, Ack: AckNone})
	w.take(t, 3)
	if w.Owed() != 0 {
		t.Errorf("owes %d", w.Owed())
	}
	committed(t, k, "letters", 3)
}

// A member that was told of trouble does not wait any more: a wake would reach nobody.
func TestAMemberInTroubleDoesNotWait(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: wireerr.GroupAuthorizationFailed, TopLevel: true, Count: -1})
	w := join(t, c, "a", topicsOf("letters"))
	var err error
	for err == nil {
		if _, err = w.Next(1, 1, nil); err == nil {
			kafkatest.Await(t, w.woken, "the news of missing rights")
		}
	}
	w.sub.mu.Lock()
	defer w.sub.mu.Unlock()
	if w.sub.dispatch.Waiting() {
		t.Errorf("the member got %q and still waits", err)
	}
}

// A group has members elsewhere that share out partitions in another way. Kafka keeps a member of ours out, and it is told so
// instead of waiting as on an empty topic, until they have left.
func TestAMemberThatIsKeptOutIsToldSo(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	other, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumerGroup("group"), kgo.ConsumeTopics("letters"),
		kgo.Balancers(kgo.RangeBalancer()))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	waitGroup(t, k, "the other member", func(g *kfake.GroupInfo) bool { return g.State == "Stable" })
	w := join(t, openOn(t, k.ListenAddrs(), nil), "a", topicsOf("letters"))
	kafkatest.Eventually(t, "the news of other members", func() bool { return w.Unreachable() != nil })
	kafkatest.WantError(t, w.Unreachable(), kerr.ErrForeign, "JoinGroup failed: Broker: Inconsistent group protocol: "+
		"the group has members elsewhere with another partition.assignment.strategy, stop them or set theirs")
	other.Close()
	kafkatest.Eventually(t, "the group", func() bool { return !w.Joining() })
	if err := w.Unreachable(); err != nil {
		t.Errorf("a member that is let in is told %v", err)
	}
}

// What a client sets without effect is noted once, whoever sets it, and parts no subscription in two.
func TestAPropertyWithoutEffectIsNotedOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	j := &kafkatest.Journal{}
	c := openLogging(t, k.ListenAddrs(), slog.NewTextHandler(j, nil), nil)
	fill(t, c, "letters", 1)
	for _, member := range []struct {
		name  string
		value string
	}{{"a", "1"}, {"b", "2"}} {
		in := topicsOf("letters")
		in.Overrides = config.Properties{"socket.timeout.ms": member.value}
		join(t, c, member.name, in)
	}
	if n := j.Count(`property=socket.timeout.ms reason="it is the operator's to set, in sluice's configuration"`); n != 1 {
		t.Errorf("noted %d times: %s", n, j)
	}
	if n := len(c.Status()); n != 1 {
		t.Errorf("%d subscriptions", n)
	}
}
