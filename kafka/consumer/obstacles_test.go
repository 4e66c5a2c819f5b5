package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// stoppingOn is an engine with a policy for everything, on a topic of n records of one key in one partition, and its log.
func stoppingOn(t *testing.T, n int, p failures.Policy, change func(*config.Config)) (*engine, *kafkatest.Journal) {
	t.Helper()
	p.MaxRetries = failures.RetriesByDefault
	k, j := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters")), &kafkatest.Journal{}
	c := openLogging(t, k.ListenAddrs(), slog.NewTextHandler(j, nil), func(cfg *config.Config) {
		cfg.Consume.WindowRecords, cfg.Failures = 8, policyOf(p.WithDefaults())
		if change != nil {
			change(cfg)
		}
	})
	for range n {
		kafkatest.Produce(t, c, &kgo.Record{Topic: "letters", Key: []byte("k"), Value: []byte("a record")})
	}
	return c, j
}

// isStopped waits until the only partition is stopped for a reason.
func isStopped(t *testing.T, c *engine, why ledger.StopReason) (p StoppedPartition) {
	t.Helper()
	kafkatest.Eventually(t, "the stop: "+string(why), func() bool {
		s := c.Status()[0]
		if len(s.Stopped) != 1 || s.Stops[why] != 1 {
			return false
		}
		p = s.Stopped[0]
		return p.Reason == why && p.TopicPartition == letters
	})
	return p
}

const stopsLine, goesOnLine = `msg="partition stopped`, `msg="partition goes on"`

// A failed record of whose key too many others wait stops its partition. That is said once, and that it goes on too.
func TestAStoppedPartitionIsSeen(t *testing.T) {
	t.Parallel()
	c, j := stoppingOn(t, 8, failures.Policy{Dispatch: failures.Shared}, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	if !w.Fail(letters, 0, failures.Failure{Class: "Timeout"}, time.Hour) {
		t.Fatal("the record did not fail")
	}
	var p StoppedPartition
	kafkatest.Eventually(t, "the others to wait", func() bool {
		if lent, err := w.Next(1, 1<<20, nil); err != nil || len(lent) > 0 {
			t.Fatalf("lent %v, %v", lent, err)
		}
		s := c.Status()[0]
		if len(s.Stopped) == 0 {
			return false
		}
		p = s.Stopped[0]
		return s.Failing == 1 && s.Held == p.Held && s.NextRetry.Equal(p.Until)
	})
	until := time.Until(p.Until)
	want := fmt.Sprintf("letters:0 at 0, %d records wait behind failing ones (a quarter of the window); it is tried again at ", p.Held)
	if p.Reason != ledger.StopCrowded || p.Offset != 0 || p.Failures != 1 || p.Held < 3 || until < 50*time.Minute || until > time.Hour || !strings.HasPrefix(p.Why, want) {
		t.Errorf("%+v", p)
	}
	row := c.Consumed()[0]
	if row.Failing != 1 || row.Held != p.Held || row.Dying != 0 {
		t.Errorf("%+v", row)
	}
	kafkatest.Eventually(t, "the warning", func() bool { return j.Count(stopsLine) > 0 })
	if err := c.SkipRecord("group", letters, 0, false); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, w.take(t, 1), 1)
	kafkatest.Eventually(t, "the end of the stop", func() bool { return j.Count(goesOnLine) > 0 })
	if s := c.Status()[0]; len(s.Stopped) > 0 || s.Failing > 0 || !s.NextRetry.IsZero() {
		t.Errorf("%+v", s.FailingStatus)
	}
	if stops, ends := j.Count(stopsLine), j.Count(goesOnLine); stops != 1 || ends != 1 {
		t.Errorf("%d warnings, %d ends in\n%s", stops, ends, j)
	}
}

// A record whose time is far away stops its partition, where the others wait for it, or where they fill the window.
func TestALongDelayStopsAPartition(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy failures.Policy
		want   ledger.StopReason
		others int // that are accepted
	}{
		"in order":           {want: ledger.StopRetry},
		"beside the others":  {failures.Policy{Dispatch: failures.Shared, OnError: failures.Pass}, ledger.StopWindow, 7},
		"not for the moment": {failures.Policy{Dispatch: failures.Shared, OnError: failures.Pass}, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, j := stoppingOn(t, 12, tt.policy, nil)
			w := join(t, c, "a", topicsOf("letters"))
			wantTaken(t, w.take(t, 1), 0)
			w.Fail(letters, 0, failures.Failure{}, time.Hour)
			for range tt.others {
				w.Accept(letters, w.take(t, 1)[0])
			}
			if tt.want == "" {
				if s := c.Status()[0]; len(s.Stopped) > 0 || s.Failing != 1 || s.Held != 1 {
					t.Errorf("%+v", s.FailingStatus)
				}
				return
			}
			if p := isStopped(t, c, tt.want); p.Offset != 0 || p.Until.Before(time.Now().Add(50*time.Minute)) {
				t.Errorf("%+v", p)
			}
			kafkatest.Eventually(t, "the warning", func() bool { return j.Count(stopsLine) == 1 })
		})
	}
}

// A dead letter that is not written stops its partition until it is.
func TestADeadLetterThatIsNotWrittenStopsItsPartition(t *testing.T) {
	t.Parallel()
	c, j := stoppingOn(t, 3, failures.Policy{DeadLetter: failures.DeadLetter{Auto: true}}, nil)
	var broken atomic.Bool
	broken.Store(true)
	c.deadLetters = DeadLetters{
		Ensure: func(context.Context, string, string) error { return nil },
		Write: func(_ failures.Letter, done func(error)) {
			var err error
			if broken.Load() {
				err = errors.New("no room")
			}
			go done(err)
		},
	}
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	if held, err := w.Reject(letters, 0, failures.Failure{Class: "Broken"}, nil); !held || err != nil {
		t.Fatal(held, err)
	}
	p := isStopped(t, c, ledger.StopLetter)
	if p.Offset != 0 || !strings.Contains(p.Why, "no room") {
		t.Errorf("%+v", p)
	}
	if s := c.Status()[0]; s.Dying != 1 || s.Dead != 0 {
		t.Errorf("%+v", s.FailingStatus)
	}
	kafkatest.Eventually(t, "the check that sees the stop", func() bool { return c.Status()[0].Stopped[0].For > 0 })
	broken.Store(false)
	kafkatest.Eventually(t, "the next record", func() bool {
		lent, err := w.Next(1, 1<<20, nil) // an error, as long as the dead letter is not written
		return err == nil && len(lent) == 1 && lent[0].Offset == 1
	})
	if s := c.Status()[0]; s.Dying != 0 || s.Dead != 1 || len(s.Stopped) > 0 {
		t.Errorf("%+v", s.FailingStatus)
	}
	kafkatest.Eventually(t, "the end of the stop", func() bool { return j.Count(goesOnLine) == 1 })
	if n := j.Count("dead letter not written"); n != 1 {
		t.Errorf("%d warnings in\n%s", n, j)
	}
	if f := c.Failures()[0]; f.Group != "group" || f.Failures["rejected"] != 1 || f.LetterErrors < 1 || f.Dead != 1 {
		t.Errorf("%+v", f)
	}
	if diff := cmp.Diff([]DeadCount{{"group", "letters", "Broken", 1}}, c.Dead()); diff != "" {
		t.Error(diff)
	}
}

// A dead-letter topic that cannot be used stops all partitions of its topic.
func TestADeadLetterTopicThatCannotBeUsedStopsItsPartitions(t *testing.T) {
	t.Parallel()
	c, _ := stoppingOn(t, 1, failures.Policy{DeadLetter: failures.DeadLetter{Auto: true}}, nil)
	c.deadLetters = DeadLetters{Ensure: func(_ context.Context, _, name string) error { return errors.New(name + " is compacted") }}
	join(t, c, "a", topicsOf("letters"))
	if p := isStopped(t, c, StopLetterTopic); p.Offset != -1 || !strings.HasSuffix(p.Why, "dlq.letters.group is compacted") {
		t.Errorf("%+v", p)
	}
}

// What is lent again is counted by attempt, what has failed by how, and the record that clients die of is named.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	c, _ := stoppingOn(t, 1, failures.Policy{Dispatch: failures.Shared}, nil)
	w := join(t, c, "a", topicsOf("letters"))
	for range mostAttempts + 2 {
		wantTaken(t, w.take(t, 1), 0)
		w.Fail(letters, 0, failures.Failure{Reason: failures.LeaseExpired}, 0)
	}
	wantTaken(t, w.take(t, 1), 0)
	w.Died([]record.PartitionOffset{placeOf(letters, 0)})
	s, f := c.Status()[0], c.Failures()[0]
	if diff := cmp.Diff([]Crasher{{placeOf(letters, 0), 1}}, s.Crashers); diff != "" {
		t.Error(diff)
	}
	if row := c.Consumed()[0]; row.Deaths != 1 {
		t.Errorf("%+v", row)
	}
	want := GroupFailures{
		Group: "group", Attempts: []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3},
		Failures: map[string]int64{"released": 0, "lease_expired": mostAttempts + 2, "rejected": 0, "client_ended": 1},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	wantTaken(t, w.take(t, 1), 0)
	w.Accept(letters, 0)
	if s := c.Status()[0]; len(s.Crashers) > 0 || c.Consumed()[0].Deaths > 0 {
		t.Errorf("a record that is settled is still named: %+v", s.FailingStatus)
	}
}

// What a policy bounds is shown as it is now.
func TestTheBoundsOfATopicAreShown(t *testing.T) {
	t.Parallel()
	c, _ := stoppingOn(t, 4, failures.Policy{
		Dispatch: failures.Shared, OnError: failures.Pass, MaxConcurrency: 5, Rate: failures.Rate{Limit: 3, Per: time.Hour},
		Breaker: failures.Breaker{Failures: 2, Probe: time.Hour},
	}, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 2), 0, 1)
	b := c.Status()[0].Bounds
	if len(b) != 1 || b[0].Topic != "letters" || b[0].Breaker != failures.BreakerClosed || b[0].Rate.Limit != 3 || b[0].RateLeft != 1 ||
		b[0].MaxConcurrency != 5 || b[0].Leased != 2 || !b[0].Next.IsZero() {
		t.Errorf("%+v", b)
	}
	w.Fail(letters, 0, failures.Failure{}, 0)
	w.Fail(letters, 1, failures.Failure{}, 0)
	b = c.Status()[0].Bounds
	if b[0].Breaker != failures.BreakerOpen || b[0].Leased != 0 || time.Until(b[0].Next) < 50*time.Minute {
		t.Errorf("%+v", b)
	}
}

func TestTheCountsOfFailuresAreBounded(t *testing.T) {
	t.Parallel()
	b, dead := newLeaseTable(), newDeadCounts()
	for i := range 2 * leaseRows {
		b.failuresOf(fmt.Sprint("group", i)).lent(2)
		dead.count("group", "t", strings.Repeat("x", i))
	}
	if len(b.failed) > leaseRows+1 || b.failed[""].attempts[1].Load() != leaseRows {
		t.Errorf("%d rows", len(b.failed))
	}
	for key := range dead.rows {
		if len(key.class) > mostClass {
			t.Errorf("a class of %d bytes", len(key.class))
		}
	}
}
