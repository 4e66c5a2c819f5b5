package kafka

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

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

// shortly makes librdkafka give up soon.
func shortly(cfg *config.Config) { cfg.Producer = config.Properties{"message.timeout.ms": "1500"} }

// allEnded holds the counters against their promise: every record taken has exactly one end.
func allEnded(t *testing.T, c *Client, taken int64) {
	t.Helper()
	s := c.Stats()
	ended := int64(0)
	for _, n := range s.Ended {
		ended += n
	}
	if s.Accepted != taken || ended != taken || s.Pending != 0 || s.UnknownEvents != 0 {
		t.Errorf("%d records were taken; the counters say %+v", taken, s)
	}
}

func TestDeliveredAndBufferedRecordsArrive(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
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
		producer.await(t, p.woken, "the buffered records")
	}
	if n := p.TakeFailed(); n != 0 {
		t.Errorf("%d failed", n)
	}
	if high := k.PartitionInfo("letters", 0).HighWatermark; high != 7 {
		t.Errorf("%d records in the topic, want 7", high)
	}
	allEnded(t, c, 7)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Error(err)
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
			c := openOn(t, k.ListenAddrs(), shortly)
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "letters", Err: tt.err, Count: tt.count})
			wantOutcome(t, newCaller(t, c).deliver(t, "letters", []byte("x")), tt.want)
			allEnded(t, c, 1)
		})
	}
}

func TestABufferedFailureIsCountedOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.TopicAuthorizationFailed, Count: -1})
	p := newCaller(t, c)
	if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for !p.Drained(0) {
		producer.await(t, p.woken, "the buffered record")
	}
	if first, second := p.TakeFailed(), p.TakeFailed(); first != 1 || second != 0 {
		t.Errorf("%d failed, then %d; want 1, then 0", first, second)
	}
}

func TestAnUnknownTopicIsRefusedSoonAndComesBack(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	// These are the words of the look-up: librdkafka's own, after seconds, are others.
	first := p.deliver(t, "nowhere", []byte("x"))
	if wantOutcome(t, first, record.Rejected); !strings.Contains(first.Reason, "the brokers do not create topics") {
		t.Errorf("refused as %q", first.Reason)
	}
	var refused *producer.Error
	if err := p.Deliver([]byte("nowhere"), nil, []byte("x")); !errors.As(err, &refused) || refused.Outcome != record.Rejected {
		t.Errorf("the second record was not refused at once: %v", err)
	}
	if err := k.CreateTopic("nowhere", 1, nil); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the topic that was created", func() bool { return p.deliver(t, "nowhere", []byte("x")) == nil })
	if p.Pending() != 0 {
		t.Errorf("%d pending", p.Pending())
	}
}

func TestTheFirstRecordCreatesATopicWhereBrokersDoSo(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs(), nil)
	wantOutcome(t, newCaller(t, c).deliver(t, "fresh", []byte("x")), record.OK)
	allEnded(t, c, 1)
}

func TestRecordsOfATopicStayInOrderThroughTheGate(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	const n = 500
	for i := range n {
		if err := p.Deliver([]byte("letters"), nil, []byte{byte(i >> 8), byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, n); failure != nil {
		t.Fatal(failure)
	}
	w := join(t, c, "a", topicsOf("letters"))
	for i := 0; i < n; {
		for _, d := range w.next(t, 100) {
			if got := int(d.Value[0])<<8 | int(d.Value[1]); got != i {
				t.Fatalf("record %d at offset %d", got, i)
			}
			i++
		}
	}
}

func TestARecordTooLargeIsRejectedAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", make([]byte, 2<<20)), record.Rejected)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	allEnded(t, c, p.taken(t, c))
}

// taken reads how many records the client says it took; nothing may be pending then.
func (c *caller) taken(t *testing.T, client *Client) int64 {
	t.Helper()
	if c.Pending() != 0 {
		t.Errorf("%d records pending", c.Pending())
	}
	return client.Stats().Accepted
}

// mute makes the brokers take produce requests and never answer; the channel tells of the first.
func mute(k *kfake.Cluster) producer.bell {
	heard := producer.newBell()
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		heard.ring()
		return nil, nil, true
	})
	return heard
}

func TestAFullQueueAsksToTryAgain(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Producer = config.Properties{"queue.buffering.max.messages": "10", "message.timeout.ms": "1500"}
	})
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	mute(k)
	taken, err := 0, error(nil)
	for err == nil && taken < 100 {
		if err = p.Deliver([]byte("letters"), nil, []byte("x")); err == nil {
			taken++
		}
	}
	if !errors.Is(err, kerr.ErrFull) || taken > 10+producer.sessionBatchRecords || p.Pending() != taken {
		t.Fatalf("%v after %d records, %d pending", err, taken, p.Pending())
	}
	// Ten may be written: they were sent, and nobody answered. The others follow when these have ended.
	wantOutcome(t, p.outcomes(t, taken), record.Unknown)
	allEnded(t, c, int64(1+taken))
}

func TestBrokersThatAreAway(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "letters"))
	if err != nil {
		t.Fatal(err)
	}
	c := openOn(t, k.ListenAddrs(), shortly)
	p := newCaller(t, c)
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
	c := openOn(t, k.ListenAddrs(), shortly)
	mute(k)
	wantOutcome(t, newCaller(t, c).deliver(t, "letters", []byte("x")), record.Unknown)
}

func TestForsakenRecordsAreCountedWhenTheyEnd(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), shortly)
	heard := mute(k)
	p := newCaller(t, c)
	if err := p.Deliver([]byte("letters"), nil, []byte("x")); err != nil {
		t.Fatal(err)
	}
	producer.await(t, heard, "the produce request")
	p.Forget(1)
	p.Close()
	kafkatest.Eventually(t, "the late report", func() bool { return c.Stats().Ended[record.Unknown] == 1 })
	allEnded(t, c, 1)
	if next := newCaller(t, c); next.id != p.id {
		t.Errorf("number %d, want %d again", next.id, p.id)
	}
}

func TestNobodyWritesToTopicsOfKafkasOwn(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	for _, name := range []string{"__consumer_offsets", "__transaction_state", "__share_group_state"} {
		wantOutcome(t, p.deliver(t, name, []byte("x")), record.Rejected)
		if k.TopicInfo(name) != nil {
			t.Errorf("%s was made", name)
		}
	}
}

func TestTheNumberOfTopicsIsBounded(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopics = 2 })
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
	wantOutcome(t, p.deliver(t, "two", []byte("x")), record.OK)
	failure := p.deliver(t, "three", []byte("x"))
	wantOutcome(t, failure, record.Rejected)
	if !strings.Contains(failure.Reason, "produce.max_topics") {
		t.Errorf("%q does not name the setting", failure.Reason)
	}
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
}

// What was accepted and not delivered must be told, wherever it lies.
func TestCloseCountsWhatIsUndelivered(t *testing.T) {
	t.Parallel()
	t.Run("in librdkafka", func(t *testing.T) {
		t.Parallel()
		k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
		c := openOn(t, k.ListenAddrs(), nil)
		heard := mute(k)
		bufferThree(t, c)
		producer.await(t, heard, "the produce request")
		wantUndelivered(t, c, "3")
	})
	t.Run("at the topic gate", func(t *testing.T) {
		t.Parallel()
		c := openOn(t, []string{"127.0.0.1:1"}, nil)
		bufferThree(t, c)
		wantUndelivered(t, c, "3")
	})
}

// What waits for its topic when the process is told to end goes to Kafka all the same: brokers are there.
func TestWhatWaitsForItsTopicIsDeliveredAtTheEnd(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	bufferThree(t, c)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Error(err)
	}
	if s := c.Stats(); s.Accepted != 3 || s.Ended[record.OK] != 3 {
		t.Errorf("not all are delivered: %+v", s)
	}
}

func bufferThree(t *testing.T, c *Client) {
	t.Helper()
	p := newCaller(t, c)
	for range 3 {
		if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Push()
}

func wantUndelivered(t *testing.T, c *Client, n string) {
	t.Helper()
	err := shut(c, time.Second)
	if err == nil || !strings.Contains(err.Error(), n) {
		t.Errorf("3 records are undelivered, Close says %v", err)
	}
	if s := c.Stats(); s.Pending != 0 || s.Accepted != 3 {
		t.Errorf("every record must have an end: %+v", s)
	}
}

// librdkafka's idempotent producer ends for good when the brokers' sequence numbers are not its own.
func TestAProducerThatFailedForGoodIsReplaced(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	for round := int64(1); round <= 3; round++ {
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.OutOfOrderSequenceNumber})
		wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Unknown)
		kafkatest.Eventually(t, "the new producer", func() bool { return p.deliver(t, "letters", []byte("x")) == nil })
		if n := c.Stats().Replaced; n != round {
			t.Errorf("%d producers replaced, want %d", n, round)
		}
	}
	allEnded(t, c, p.taken(t, c))
}

func TestNothingIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Retry)
	if _, err := c.Join(consumer.Identity{"group", "a"}, topicsOf("letters"), func() {}); !errors.Is(err, kerr.ErrStopping) {
		t.Errorf("joined after Close: %v", err)
	}
}

func TestOpenNamesTheProfileThatCannotBe(t *testing.T) {
	cfg := config.Defaults()
	cfg.Brokers = []string{"localhost:9092"}
	cfg.Profiles = map[string]config.Properties{config.Buffered: {"acks": "0"}} // idempotence needs all
	c, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = shut(c, kafkatest.Patience)
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), "producer profile buffered: ") {
		t.Errorf("%q does not name the profile", err)
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "2.") {
		t.Errorf("version %q", v)
	}
}
