package kafka

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// It is counted from its first delivery, whoever had it since, and whether or not somebody has it now.
func TestARecordStandsFromItsFirstDelivery(t *testing.T) {
	l, a, b := filled(3, 5, 9), &Seat{Name: "a"}, &Seat{Name: "b"}
	want := func(when time.Time, offset int64, attempts int, age time.Duration, holder string) {
		t.Helper()
		r, ok := l.Standing(when)
		want := StandingRecord{TopicPartition: r.TopicPartition, Offset: offset, Attempts: attempts, Age: age, Holder: holder}
		if diff := cmp.Diff(want, r); diff != "" || !ok {
			t.Errorf("%v (-want +got):\n%s", ok, diff)
		}
	}
	if r, ok := l.Standing(dawn); ok {
		t.Fatalf("%+v stands, and nothing was lent", r)
	}
	later := func(minutes int) time.Time { return dawn.Add(time.Duration(minutes) * time.Minute) }
	l.Lend(a, dawn)
	l.Lend(a, later(1))
	want(later(2), 3, 1, 2*time.Minute, "a")
	l.Rewind(a)
	want(later(2), 3, 1, 2*time.Minute, "a")
	l.Lend(a, later(3))
	want(later(4), 3, 2, 4*time.Minute, "a")
	l.Forfeit(a)
	want(later(5), 3, 2, 5*time.Minute, "")
	l.Lend(b, later(6))
	want(later(6), 3, 3, 6*time.Minute, "b")
	l.Release(b, 3, later(9))
	want(later(7), 3, 3, 7*time.Minute, "")
	l.Lend(b, later(10))
	l.Accept(b, 3)
	want(later(10), 5, 1, 9*time.Minute, "")
	l.Lend(b, later(10))
	l.Accept(b, 5)
	if r, ok := l.Standing(later(10)); ok {
		t.Errorf("%+v stands, and was never lent", r)
	}
}

func TestAStandingRecordIsSaidOnceAndWhenItGetsMuchWorse(t *testing.T) {
	const limit = time.Minute
	var w warning
	for i, c := range []struct {
		offset   int64
		attempts int
		age      time.Duration
		said     bool
	}{
		{7, 1, time.Second, false},
		{7, manyAttempts - 1, time.Second, false},
		{7, manyAttempts, time.Second, true},
		{7, manyAttempts + 1, time.Second, false},
		{7, manyAttempts + 1, limit, false}, // it was said already, for another reason
		{7, moreAttempts * manyAttempts, limit, true},
		{7, moreAttempts*manyAttempts + 1, 9 * limit, false},
		{7, moreAttempts*manyAttempts + 1, 10 * limit, true},
		{7, moreAttempts*manyAttempts + 1, 99 * limit, false},
		{8, 1, time.Second, false},
		{8, 1, limit, true},
		{8, 1, 2 * limit, false},
		{9, manyAttempts, time.Second, true},
	} {
		r := StandingRecord{Offset: c.offset, Attempts: c.attempts, Age: c.age}
		if said := w.warn(&r, limit); said != c.said {
			t.Errorf("%d: %+v is said: %v", i, r, said)
		}
	}
}

// One record that always fails, in one of four partitions that get on: it shows everywhere.
func TestOneRecordThatAlwaysFailsIsSeen(t *testing.T) {
	t.Parallel()
	k := fakeCluster(t, kfake.SeedTopics(4, "letters"))
	j := &journal{}
	cfg := Defaults()
	cfg.Brokers, cfg.CommitInterval = k.ListenAddrs(), 100*time.Millisecond
	cfg.LagInterval, cfg.StallAfter = 100*time.Millisecond, time.Second
	c, err := Open(cfg, slog.New(slog.NewTextHandler(j, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shut(c, patience) }()
	fillEach(t, c, "letters", 4)
	bad := record.TopicPartition{"letters", 2}
	attempts := 0
	sub := func() SubscriptionStatus { return c.Status().Subscriptions[0] }
	eventually(t, "the stall", func() bool {
		w := join(t, c, "a", topicsOf("letters"))
		defer w.Leave(false) // it crashes at the bad one
		for _, d := range w.next(t, 4) {
			if d.TopicPartition != bad {
				w.Accept(d.TopicPartition, d.Offset)
				fillPartition(t, c, "letters", d.Partition)
				continue
			}
			attempts = d.Attempt
			status := sub()
			return attempts > manyAttempts && status.StalledPartitions == 1 && status.OldestUnacked > time.Second
		}
		return false
	})
	s := sub()
	if len(s.Standing) == 0 || s.Standing[0].String() != "letters:2:0" || s.Standing[0].Attempts < attempts || s.OldestUnacked < time.Second {
		t.Errorf("after %d attempts the status is %+v", attempts, s)
	}
	for _, row := range c.Consumed() {
		if row.Topic == "letters" && (row.StandingAttempts < attempts || row.StandingAge < time.Second) {
			t.Errorf("after %d attempts the row is %+v", attempts, row)
		}
	}
	eventually(t, "the warning", func() bool { return j.count("record=letters:2:0") > 0 })
	if n := j.count("record=letters:2:0"); n > 2 {
		t.Errorf("%d warnings", n)
	}
	if n := j.count("partitions=[letters:2]"); n != 1 {
		t.Errorf("a stall of letters:2 is logged %d times:\n%s", n, j.lines)
	}
}

// fillPartition puts one record into a partition.
func fillPartition(t *testing.T, c *Client, topic string, partition int32) {
	t.Helper()
	p := newCaller(t, c)
	defer p.Close()
	if err := p.Send(Outgoing{Topic: topic, Partition: partition, Value: []byte("a record")}); err != nil {
		t.Fatal(err)
	}
	if failure := p.outcomes(t, 1); failure != nil {
		t.Fatal(failure)
	}
}
