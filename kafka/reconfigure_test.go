package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// changed is the client's configuration with an edit.
func changed(c *Client, edit func(*config.Config)) config.Config {
	cfg := *c.settings.Load()
	edit(&cfg)
	return cfg
}

func reconfigure(t *testing.T, c *Client, edit func(*config.Config)) {
	t.Helper()
	unchanged, err := c.Reconfigure(changed(c, edit))
	if err != nil || len(unchanged) > 0 {
		t.Fatalf("not reconfigured: %v, unchanged: %v", err, unchanged)
	}
}

// handles are the handles of all profiles.
func handles(c *Client) (all []any) {
	for _, p := range c.producerPart.all {
		all = append(all, p.handle.Load())
	}
	return all
}

func TestAnInvalidConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	before, producers := c.settings.Load(), handles(c)
	for _, tt := range []struct {
		edit func(*config.Config)
		want string
	}{
		{func(cfg *config.Config) { cfg.InFlight = 0 }, "produce.in_flight"},
		{func(cfg *config.Config) { cfg.Producer = config.Properties{"x": "y"} }, "kafka.producer.x"},
		// librdkafka finds out only when it makes the producer, after the one of the other profile.
		{func(cfg *config.Config) {
			cfg.InFlight = 1
			cfg.Profiles = map[string]config.Properties{config.Delivered: {"linger.ms": "1"}, config.Buffered: {"acks": "1"}}
		}, "acks"},
	} {
		_, err := c.Reconfigure(changed(c, tt.edit))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("the error is %v, want one of %q", err, tt.want)
		}
	}
	if c.settings.Load() != before || !slices.Equal(handles(c), producers) {
		t.Error("something changed")
	}
}

func TestWhatCannotChangeIsNamed(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	producers := handles(c)
	unchanged, err := c.Reconfigure(changed(c, func(cfg *config.Config) {
		cfg.Brokers = []string{"127.0.0.1:2"}
		cfg.InFlight = 7
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kafka.brokers"}, unchanged); diff != "" {
		t.Errorf("unchanged (-want +got):\n%s", diff)
	}
	now := c.settings.Load()
	if now.Brokers[0] != "127.0.0.1:1" || now.InFlight != 7 {
		t.Errorf("the configuration is %+v", now)
	}
	if !slices.Equal(handles(c), producers) {
		t.Error("a producer was replaced whose properties are the same")
	}
}

func TestBoundsChangeAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopics, cfg.MaxSubscriptions, cfg.InFlight = 1, 1, 2 })
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
	join(t, c, "a", topicsOf("one"))
	p.pending.Add(2)
	two := func() (outcome *ProduceError, joined error, room bool) {
		outcome = asProduceError(p.Deliver([]byte("two"), nil, nil), "two")
		_, joined = c.Join(Identity{"other", "a"}, topicsOf("one"), func() {})
		return outcome, joined, p.Room()
	}
	if failure, err, room := two(); failure.Outcome != record.Rejected || err == nil || room {
		t.Errorf("before: %v, %v, room is %v", failure, err, room)
	}
	reconfigure(t, c, func(cfg *config.Config) { cfg.MaxTopics, cfg.MaxSubscriptions, cfg.InFlight = 2, 2, 4 })
	p.pending.Add(-2)
	wantOutcome(t, p.deliver(t, "two", []byte("x")), record.OK)
	p.pending.Add(2)
	if _, err := c.Join(Identity{"other", "a"}, topicsOf("one"), func() {}); err != nil || !p.Room() {
		t.Errorf("after: %v, room is %v", err, p.Room())
	}
	p.pending.Add(-2)
}

// A window, a grace and consumer properties belong to a subscription for as long as it is open.
func TestNewSubscriptionsGetNewWindows(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 10, func(cfg *config.Config) { cfg.WindowRecords = 3 })
	old := join(t, c, "a", topicsOf("letters"))
	old.take(t, 3)
	reconfigure(t, c, func(cfg *config.Config) {
		cfg.WindowRecords, cfg.Consumer = 5, config.Properties{"auto.offset.reset": "latest"}
	})
	if _, err := old.Next(1, 1<<20, nil); err == nil {
		t.Error("the window of an open subscription has changed")
	}
	woken := newBell()
	m, err := c.Join(Identity{"other", "a"}, topicsOf("letters"), woken.ring)
	if err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the assignment", func() bool { return c.Status().Subscriptions[1].Partitions == 1 })
	w := &worker{m, woken}
	kafkatest.Eventually(t, "a record from after the change", func() bool {
		fill(t, c, "letters", 1)
		lent, err := w.Next(1, 1<<20, nil)
		return err == nil && len(lent) == 1 && lent[0].Offset >= 10
	})
	fill(t, c, "letters", 10)
	w.take(t, 4)
	if _, err := w.Next(1, 1<<20, nil); err == nil {
		t.Error("a window of 5 takes 6 records")
	}
}

// Producers are replaced again and again while sessions produce: every record is delivered once.
func TestProducersAreReplacedWithoutLosingARecord(t *testing.T) {
	t.Parallel()
	const sessions, changes, between = 4, 30, 300
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	stop := make(chan struct{})
	counts, failed := make(chan int, sessions), make(chan error, sessions)
	for s := range sessions {
		p := newCaller(t, c)
		go func() {
			n, err := bufferUntil(p, fmt.Sprint(s), stop)
			failed <- err
			counts <- n
		}()
	}
	first := handles(c)
	for i := range changes {
		before := c.Stats().Accepted
		kafkatest.Eventually(t, "some records", func() bool { return c.Stats().Accepted > before+between })
		reconfigure(t, c, func(cfg *config.Config) { cfg.Producer = config.Properties{"linger.ms": fmt.Sprint(1 + i%2)} })
	}
	close(stop)
	total := 0
	for range sessions {
		if err := <-failed; err != nil {
			t.Error(err)
		}
		total += <-counts
	}
	if last := handles(c); last[0] == first[0] || last[1] == first[1] {
		t.Error("nothing was replaced")
	}
	allEnded(t, c, int64(total))
	wantEachOnce(t, c, total)
	if n := c.Stats().Replaced; n != 0 {
		t.Errorf("%d producers failed", n)
	}
}

// A record that meets a handle which is being replaced goes to its successor.
func TestNoRecordMeetsARetiredProducer(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"), kfake.BlackholeProduce())
	c := openOn(t, k.ListenAddrs(), nil)
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
				if _, err := c.delivered.produce("letters", nil, []byte("x"), i<<34, details[i%2]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 40 {
		reconfigure(t, c, func(cfg *config.Config) { cfg.Producer = config.Properties{"batch.num.messages": fmt.Sprint(1000 + i)} })
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
func wantEachOnce(t *testing.T, c *Client, n int) {
	t.Helper()
	w := join(t, c, "a", topicsOf("letters"))
	seen := map[string]bool{}
	for read := 0; read < n; {
		for _, d := range w.next(t, 1000) {
			if seen[string(d.Value)] {
				t.Fatalf("%q came twice", d.Value)
			}
			seen[string(d.Value)] = true
			w.Accept(letters, d.Offset)
			read++
		}
	}
	w.quiet(t, 100*time.Millisecond)
}

// What old producers cannot send must keep neither a change nor the end of the client waiting.
func TestAReplacedProducerEndsWithItsClient(t *testing.T) {
	t.Parallel()
	const changes = 10
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	heard := mute(k)
	unanswered := askInVain(t)
	for i := range changes {
		bufferThree(t, c)
		if i == 0 { // the others' first request has to wait for a producer id
			await(t, heard, "the produce request")
		}
		reconfigure(t, c, func(cfg *config.Config) { cfg.Producer = config.Properties{"batch.num.messages": fmt.Sprint(1000 + i)} })
	}
	if unanswered.ended() {
		t.Errorf("%d changes took as long as a reading that nobody answers", changes)
	}
	if n := profile(t, c, config.Buffered).InFlight; n != 3*changes {
		t.Errorf("%d records in flight, want %d", n, 3*changes)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := shut(c, time.Second)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(3*changes, " records")) {
			t.Errorf("%d records are undelivered, Close says %v", 3*changes, err)
		}
	}()
	await(t, ended, "the end of the client") // the broker keeps the records for longer
	if s := c.Stats(); s.Pending != 0 || s.Ended[record.Unknown] < 3 || s.Ended[record.Unknown]+s.Ended[record.Retry] != 3*changes {
		t.Errorf("counted %+v", s)
	}
}

func TestReconfigureDuringClose(t *testing.T) {
	t.Parallel()
	for range 5 {
		k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
		c := openOn(t, k.ListenAddrs(), nil)
		wantOutcome(t, newCaller(t, c).deliver(t, "letters", []byte("x")), record.OK)
		var both sync.WaitGroup
		both.Go(func() {
			for i := range 5 {
				edit := func(cfg *config.Config) {
					cfg.Properties = config.Properties{"client.id": fmt.Sprint("sluice", i)}
				}
				if _, err := c.Reconfigure(changed(c, edit)); err != nil && !errors.Is(err, kerr.ErrStopping) {
					t.Error(err)
				}
			}
		})
		if err := shut(c, kafkatest.Patience); err != nil {
			t.Error(err)
		}
		both.Wait()
		if _, err := c.TopicNames(t.Context()); err == nil {
			t.Error("a closed client still asks")
		}
	}
}

func TestAdministrationGoesOnWithOtherProperties(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	for i := range 3 {
		names, err := c.TopicNames(t.Context())
		if err != nil || !slices.Equal(names, []string{"letters"}) {
			t.Fatalf("topics %v, %v", names, err)
		}
		reconfigure(t, c, func(cfg *config.Config) { cfg.Properties = config.Properties{"client.id": fmt.Sprint("sluice", i)} })
	}
}
