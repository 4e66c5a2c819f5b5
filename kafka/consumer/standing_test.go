package consumer

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// policyOf is a policy for everything.
func policyOf(p failures.Policy) failures.Policies {
	return failures.Policies{{Group: "*", Topics: []failures.TopicPolicy{{Topic: "*", Policy: p}}}}
}

// One record always fails, in one of four partitions; the other partitions go on. The record shows everywhere.
func TestOneRecordThatAlwaysFailsIsSeen(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(4, "letters"))
	j := &kafkatest.Journal{}
	c := openLogging(t, k.ListenAddrs(), slog.NewTextHandler(j, nil), func(cfg *config.Config) {
		cfg.Consume.LagInterval, cfg.Consume.StallAfter = 100*time.Millisecond, time.Second
		cfg.Failures = policyOf(failures.Policy{MaxDeliveries: 1000, MaxRetries: failures.Unlimited})
	})
	fillEach(t, c, "letters", 4)
	bad := record.TopicPartition{Topic: "letters", Partition: 2}
	attempts := 0
	sub := func() SubscriptionStatus { return c.Status()[0] }
	kafkatest.Eventually(t, "the stall", func() bool {
		w := join(t, c, "a", topicsOf("letters"))
		defer w.Leave(false) // the member crashes at the bad record
		for {
			d := w.next(t, 1)[0]
			if d.TopicPartition != bad {
				w.Accept(d.TopicPartition, d.Offset)
				continue
			}
			attempts = d.Attempt
			for _, partition := range []int32{0, 1, 3} {
				fillPartition(t, c, "letters", partition)
			}
			status := sub()
			return attempts > 5 && status.StalledPartitions == 1 && status.OldestUnacked > time.Second
		}
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
	kafkatest.Eventually(t, "the warning", func() bool { return j.Count("record=letters:2:0") > 0 })
	if n := j.Count("record=letters:2:0"); n > 2 {
		t.Errorf("%d warnings", n)
	}
	stalls := 0
	for line := range strings.Lines(j.String()) { // it may name others that are slow for a moment
		if strings.Contains(line, "group stalled") && strings.Contains(line, "letters:2") {
			stalls++
		}
	}
	if stalls < 1 || stalls > 1+j.Count("group gets on again") {
		t.Errorf("a stall of letters:2 is logged %d times:\n%s", stalls, j)
	}
}
