package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// handlesOf are the handles of all profiles.
func handlesOf(ps *Producers) (all []any) {
	for _, p := range ps.all {
		all = append(all, p.handle.Load())
	}
	return all
}

// What was accepted and not delivered must be told, wherever it lies.
func TestCloseCountsWhatIsUndelivered(t *testing.T) {
	t.Parallel()
	t.Run("in librdkafka", func(t *testing.T) {
		t.Parallel()
		k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
		ps := openOn(t, k.ListenAddrs(), nil)
		heard := kafkatest.Mute(k)
		bufferThree(t, ps)
		kafkatest.Await(t, heard, "the produce request")
		wantUndelivered(t, ps)
	})
	t.Run("at the topic gate", func(t *testing.T) {
		t.Parallel()
		ps := openOn(t, []string{"127.0.0.1:1"}, nil)
		bufferThree(t, ps)
		wantUndelivered(t, ps)
	})
}

// librdkafka's idempotent producer ends for good when the brokers' sequence numbers are not its own.
func TestAProducerThatFailedForGoodIsReplaced(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	for round := int64(1); round <= 3; round++ {
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.OutOfOrderSequenceNumber})
		wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Unknown)
		kafkatest.Eventually(t, "the new producer", func() bool { return p.deliver(t, "letters", []byte("x")) == nil })
		if n := ps.Counts().Replaced; n != round {
			t.Errorf("%d producers replaced, want %d", n, round)
		}
	}
	allEnded(t, ps, p.taken(t, ps))
}

func TestLoopsBeatWhileAProducerIsReplaced(t *testing.T) {
	t.Parallel()
	p := kafkatest.NewPulse(t)
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Register = p.Register })
	caller := newCaller(t, ps)
	wantOutcome(t, caller.deliver(t, "letters", []byte("x")), record.OK)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.OutOfOrderSequenceNumber})
	wantOutcome(t, caller.deliver(t, "letters", []byte("x")), record.Unknown)
	kafkatest.Eventually(t, "the new producer", func() bool { return caller.deliver(t, "letters", []byte("x")) == nil })
	kafkatest.Eventually(t, "the end of the old one", func() bool { return p.Of("producer:delivered").Count == 1 })
	p.WantInTime(t)
}

func TestNoRecordIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	if n, err := shut(ps, kafkatest.Patience); n != 0 || err != nil {
		t.Fatalf("%d records are undelivered, %v", n, err)
	}
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Retry)
}

// librdkafka finds out only when it makes the producer, after the one of the other profile.
func TestPropertiesOfOneProfileThatCannotBeReplaceNoProducer(t *testing.T) {
	t.Parallel()
	ps := openOn(t, []string{"127.0.0.1:1"}, nil)
	before, cfg := handlesOf(ps), *ps.settings.Load()
	cfg.Profiles = map[string]config.Properties{config.Delivered: {"linger.ms": "1"}, config.Buffered: {"acks": "1"}}
	if _, err := ps.Prepare(&cfg); err == nil || !strings.Contains(err.Error(), "acks") {
		t.Errorf("the error is %v, want one of acks", err)
	}
	if !slices.Equal(handlesOf(ps), before) {
		t.Error("a producer was replaced")
	}
}

func TestTheSamePropertiesReplaceNoProducer(t *testing.T) {
	t.Parallel()
	ps := openOn(t, []string{"127.0.0.1:1"}, nil)
	before := handlesOf(ps)
	reconfigure(t, ps, func(cfg *config.Config) { cfg.Produce.InFlight = 7 })
	if !slices.Equal(handlesOf(ps), before) {
		t.Error("a producer was replaced whose properties are the same")
	}
}

func TestBoundsChangeAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Produce.MaxTopics, cfg.Produce.InFlight = 1, 2 })
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
	p.pending.Add(2)
	failure := asProduceError(p.Deliver([]byte("two"), nil, nil), "two")
	if room := p.Room(); failure.Outcome != record.Rejected || room {
		t.Errorf("before: %v, room is %v", failure, room)
	}
	reconfigure(t, ps, func(cfg *config.Config) { cfg.Produce.MaxTopics, cfg.Produce.InFlight = 2, 4 })
	p.pending.Add(-2)
	wantOutcome(t, p.deliver(t, "two", []byte("x")), record.OK)
	p.pending.Add(2)
	if !p.Room() {
		t.Error("after: there is no room")
	}
	p.pending.Add(-2)
}

// Producers are replaced again and again while sessions produce: every record is delivered once.
func TestProducersAreReplacedWithoutLosingARecord(t *testing.T) {
	t.Parallel()
	const sessions, changes, between = 4, 30, 300
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	stop := make(chan struct{})
	counts, failed := make(chan int, sessions), make(chan error, sessions)
	for s := range sessions {
		p := newCaller(t, ps)
		go func() {
			n, err := bufferUntil(p, fmt.Sprint(s), stop)
			failed <- err
			counts <- n
		}()
	}
	first := handlesOf(ps)
	for i := range changes {
		before := ps.Counts().Accepted
		kafkatest.Eventually(t, "some records", func() bool { return ps.Counts().Accepted > before+between })
		reconfigure(t, ps, func(cfg *config.Config) { cfg.Producer = config.Properties{"linger.ms": fmt.Sprint(1 + i%2)} })
	}
	close(stop)
	total := 0
	for range sessions {
		if err := <-failed; err != nil {
			t.Error(err)
		}
		total += <-counts
	}
	if last := handlesOf(ps); last[0] == first[0] || last[1] == first[1] {
		t.Error("nothing was replaced")
	}
	allEnded(t, ps, int64(total))
	wantEachOnce(t, k, total)
	if n := ps.Counts().Replaced; n != 0 {
		t.Errorf("%d producers failed", n)
	}
}

// A record that meets a handle which is being replaced goes to its successor.
func TestNoRecordMeetsARetiredProducer(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"), kfake.BlackholeProduce())
	ps := openOn(t, k.ListenAddrs(), nil)
	stop := make(chan struct{})
	details := []*librdkafka.Details{nil, {Headers: librdkafka.PackHeaders([]record.Header{header("a", []byte("b"))})}}
	var hammering sync.WaitGroup
	for i := range uint64(4) {
		hammering.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				// All at one gate of the handle, so that some wait there while it is retired.
				if _, err := ps.delivered.produce("letters", nil, []byte("x"), i<<34, details[i%2]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 40 {
		reconfigure(t, ps, func(cfg *config.Config) { cfg.Producer = config.Properties{"batch.num.messages": fmt.Sprint(1000 + i)} })
	}
	close(stop)
	hammering.Wait()
}

// bufferUntil produces numbered records until stop and waits for their ends.
func bufferUntil(p *caller, name string, stop <-chan struct{}) (n int, err error) {
	for err == nil {
		select {
		case <-stop:
			for !p.Drained(0) {
				<-p.woken
			}
			if failed := p.TakeFailed(); failed > 0 {
				err = fmt.Errorf("%d records failed", failed)
			}
			return n, err
		default:
		}
		for !p.Drained(500) { // few in flight, or reading them all takes too long
			<-p.woken
		}
		if err = p.Buffer([]byte("letters"), nil, []byte(name+" "+strconv.Itoa(n))); err == nil {
			n++
		}
		if errors.Is(err, kerr.ErrFull) {
			err = nil
		}
	}
	return n, err
}

// wantEachOnce reads the topic to its end: so many records, no two of them equal.
func wantEachOnce(t *testing.T, k *kfake.Cluster, n int) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range kafkatest.Read(t, k, "letters", n) {
		if seen[string(r.Value)] {
			t.Fatalf("%q came twice", r.Value)
		}
		seen[string(r.Value)] = true
	}
	if end := k.PartitionInfo("letters", 0).HighWatermark; end != int64(n) {
		t.Errorf("the topic has %d records, want %d", end, n)
	}
}

// What the old producer cannot send must keep neither the change nor the end of the client waiting.
func TestAReplacedProducerEndsWithItsClient(t *testing.T) {
	t.Parallel()
	const changes = 10
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	heard := kafkatest.Mute(k)
	unanswered := make(chan struct{})  // closed after cluster.QueryTime
	t.Cleanup(func() { <-unanswered }) // after the end of who asks
	silent := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	asking := openOn(t, silent.ListenAddrs(), nil)
	if _, err := asking.cluster.Topic(t.Context(), "letters"); err != nil { // a question to an unknown broker ends sooner
		t.Fatal(err)
	}
	kafkatest.Silence(silent)
	go func() {
		defer close(unanswered)
		_, _ = asking.cluster.Topic(context.Background(), "letters")
	}()
	for i := range changes {
		bufferThree(t, ps)
		if i == 0 { // the others' first request has to wait for a producer id
			kafkatest.Await(t, heard, "the produce request")
		}
		reconfigure(t, ps, func(cfg *config.Config) { cfg.Producer = config.Properties{"batch.num.messages": fmt.Sprint(1000 + i)} })
	}
	select {
	case <-unanswered:
		t.Errorf("%d changes took as long as a reading that nobody answers", changes)
	default:
	}
	if n := profile(t, ps, config.Buffered).InFlight; n != 3*changes {
		t.Errorf("%d records in flight, want %d", n, 3*changes)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if n, _ := shut(ps, time.Second); n != 3*changes {
			t.Errorf("%d records are undelivered, want %d", n, 3*changes)
		}
	}()
	kafkatest.Await(t, ended, "the end of the client") // the broker keeps the records for longer
	if s := ps.Counts(); s.Pending != 0 || s.Ended[record.Unknown] < 3 || s.Ended[record.Unknown]+s.Ended[record.Retry] != 3*changes {
		t.Errorf("counted %+v", s)
	}
}
