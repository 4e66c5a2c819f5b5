package producer

import (
	"errors"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestDeliveredAndBufferedRecordsArrive(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	for range 3 {
		if err := p.Deliver([]byte("letters"), []byte("key"), []byte("delivered")); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, 3); failure != nil {
		t.Fatal(failure)
	}
	for range 4 {
		if err := p.Buffer([]byte("letters"), nil, []byte("buffered")); err != nil {
			t.Fatal(err)
		}
	}
	for !p.Drained(0) {
		kafkatest.Await(t, p.woken, "the buffered records")
	}
	if n := p.TakeFailed(); n != 0 {
		t.Errorf("%d failed", n)
	}
	if high := k.PartitionInfo("letters", 0).HighWatermark; high != 7 {
		t.Errorf("%d records in the topic, want 7", high)
	}
	allEnded(t, ps, 7)
	if n, err := shut(ps, kafkatest.Patience); n != 0 || err != nil {
		t.Errorf("%d records are undelivered, %v", n, err)
	}
}

func TestTheBrokersAnswersBecomeOutcomes(t *testing.T) {
	t.Parallel()
	const always, once = -1, 1
	for _, tt := range []struct {
		err   *wireerr.Error
		count int
		want  record.Outcome
	}{
		{wireerr.NotLeaderForPartition, once, record.OK},
		{wireerr.NotEnoughReplicas, once, record.OK},
		{wireerr.NotEnoughReplicas, always, record.Retry},
		{wireerr.NotEnoughReplicasAfterAppend, always, record.Unknown},
		{wireerr.RequestTimedOut, always, record.Unknown},
		{wireerr.TopicAuthorizationFailed, once, record.Rejected},
		{wireerr.MessageTooLarge, once, record.Rejected},
		{wireerr.InvalidRecord, once, record.Rejected},
		{wireerr.PolicyViolation, once, record.Rejected},
	} {
		t.Run(tt.err.Message+" "+tt.want.String(), func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
			ps := openOn(t, k.ListenAddrs(), shortly)
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "letters", Err: tt.err, Count: tt.count})
			wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte("x")), tt.want)
			allEnded(t, ps, 1)
		})
	}
}

func TestABufferedFailureIsCountedOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.TopicAuthorizationFailed, Count: -1})
	p := newCaller(t, ps)
	if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for !p.Drained(0) {
		kafkatest.Await(t, p.woken, "the buffered record")
	}
	if first, second := p.TakeFailed(), p.TakeFailed(); first != 1 || second != 0 {
		t.Errorf("%d failed, then %d; want 1, then 0", first, second)
	}
}

func TestARecordTooLargeIsRejectedAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", make([]byte, 2<<20)), record.Rejected)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	allEnded(t, ps, p.taken(t, ps))
}

// taken reads how many records the client says it took; nothing may be pending then.
func (c *caller) taken(t *testing.T, ps *Producers) int64 {
	t.Helper()
	if c.Pending() != 0 {
		t.Errorf("%d records pending", c.Pending())
	}
	return ps.Counts().Accepted
}

func TestAFullQueueAsksToTryAgain(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Producer = config.Properties{"queue.buffering.max.messages": "10", "message.timeout.ms": "1500"}
	})
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	kafkatest.Mute(k)
	taken, err := 0, error(nil)
	for err == nil && taken < 100 {
		if err = p.Deliver([]byte("letters"), nil, []byte("x")); err == nil {
			taken++
		}
	}
	if !errors.Is(err, kerr.ErrFull) || taken > 10+sessionBatchRecords || p.Pending() != taken {
		t.Fatalf("%v after %d records, %d pending", err, taken, p.Pending())
	}
	// Ten may be written: they were sent, and nobody answered. The others follow when these have ended.
	wantOutcome(t, p.outcomes(t, taken), record.Unknown)
	allEnded(t, ps, int64(1+taken))
}

func TestBrokersThatAreAway(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "letters"))
	if err != nil {
		t.Fatal(err)
	}
	ps := openOn(t, k.ListenAddrs(), shortly)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	k.Close()
	// Whether the first is sent before librdkafka notices is up to the kernel; the second is not.
	if failure := p.deliver(t, "letters", []byte("x")); failure == nil || failure.Outcome == record.Rejected {
		t.Errorf("ended as %v without brokers", failure)
	}
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Retry)
}

func TestAnUnansweredRecordMayBeWritten(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), shortly)
	kafkatest.Mute(k)
	wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte("x")), record.Unknown)
}

func TestForgottenRecordsAreCountedWhenTheyEnd(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), shortly)
	heard := kafkatest.Mute(k)
	p := newCaller(t, ps)
	if err := p.Deliver([]byte("letters"), nil, []byte("x")); err != nil {
		t.Fatal(err)
	}
	kafkatest.Await(t, heard, "the produce request")
	p.Forget(1)
	p.Close()
	kafkatest.Eventually(t, "the late report", func() bool { return ps.Counts().Ended[record.Unknown] == 1 })
	allEnded(t, ps, 1)
	if next := newCaller(t, ps); next.id != p.id {
		t.Errorf("number %d, want %d again", next.id, p.id)
	}
}
