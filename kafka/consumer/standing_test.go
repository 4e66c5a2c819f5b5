package consumer

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// One record that always fails, in one of four partitions that get on: it shows everywhere.
func TestOneRecordThatAlwaysFailsIsSeen(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(4, "letters"))
	j := &journal{}
	cfg := config.Defaults()
	cfg.Brokers, cfg.CommitInterval = k.ListenAddrs(), 100*time.Millisecond
	cfg.LagInterval, cfg.StallAfter = 100*time.Millisecond, time.Second
	c, err := Open(cfg, slog.New(slog.NewTextHandler(j, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shut(c, kafkatest.Patience) }()
	fillEach(t, c, "letters", 4)
	bad := record.TopicPartition{Topic: "letters", Partition: 2}
	attempts := 0
	sub := func() SubscriptionStatus { return c.Status().Subscriptions[0] }
	kafkatest.Eventually(t, "the stall", func() bool {
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
			return attempts > 5 && status.StalledPartitions == 1 && status.OldestUnacked > time.Second
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
	kafkatest.Eventually(t, "the warning", func() bool { return j.count("record=letters:2:0") > 0 })
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
	if err := p.Send(producer.Outgoing{Topic: topic, Partition: partition, Value: []byte("a record")}); err != nil {
		t.Fatal(err)
	}
	if failure := p.outcomes(t, 1); failure != nil {
		t.Fatal(failure)
	}
}
