package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestTheClusterIsRead(t *testing.T) {
	t.Parallel()
	k, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ClusterID("the-cluster"), kfake.SeedTopics(2, "letters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := openOn(t, k.ListenAddrs())
	id, err := c.ClusterID(t.Context())
	if err != nil || id != "the-cluster" {
		t.Errorf("cluster %q %v", id, err)
	}
	brokers, err := c.Brokers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for i, b := range brokers {
		if b.ID != int32(i) {
			t.Errorf("broker %d is %+v", i, b)
		}
		addresses = append(addresses, net.JoinHostPort(b.Host, fmt.Sprint(b.Port)))
	}
	if diff := cmp.Diff(k.ListenAddrs(), addresses); diff != "" {
		t.Errorf("brokers (-want +got):\n%s", diff)
	}
	topic, err := c.Topic(t.Context(), "letters")
	if err != nil || topic.Name != "letters" || len(topic.Partitions) != 2 {
		t.Fatalf("%+v %v", topic, err)
	}
	for i, p := range topic.Partitions {
		if p.ID != int32(i) || p.Leader < 0 || len(p.Replicas) == 0 || len(p.InSync) == 0 || p.Low != -1 || p.High != -1 {
			t.Errorf("partition %d is %+v", i, p)
		}
	}
}

func TestTheOffsetsOfAPartitionAreRead(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs())
	for range 5 {
		kafkatest.Produce(t, k, &kgo.Record{Topic: "letters", Partition: 1})
	}
	for id, want := range []int64{0, 5} {
		low, high, err := c.PartitionOffsets(t.Context(), record.TopicPartition{Topic: "letters", Partition: int32(id)})
		if err != nil || low != 0 || high != want {
			t.Errorf("partition %d: from %d to %d, %v; want to %d", id, low, high, err, want)
		}
	}
}

func TestWhatDoesNotExistIsToldApartAndNotCreated(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"), kfake.AllowAutoTopicCreation())
	c := openOn(t, k.ListenAddrs())
	unanswered := askInVain(t)
	for range 10 {
		_, err := c.Topic(t.Context(), "nowhere")
		kafkatest.WantError(t, err, kerr.ErrNoTopic, "topic nowhere: no such topic")
		_, _, err = c.PartitionOffsets(t.Context(), record.TopicPartition{Topic: "nowhere", Partition: 0})
		kafkatest.WantError(t, err, kerr.ErrNoTopic, "topic nowhere: no such topic")
		for _, id := range []int32{2, -1} {
			_, _, err = c.PartitionOffsets(t.Context(), record.TopicPartition{Topic: "letters", Partition: id})
			kafkatest.WantError(t, err, kerr.ErrNoPartition, fmt.Sprintf("partition letters:%d: no such partition", id))
		}
	}
	if unanswered.ended() {
		t.Error("40 readings took as long as one that nobody answers")
	}
	if names, err := c.TopicNames(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("topics %q %v: one was created by reading", names, err)
	}
}

func TestADeniedReadingSaysSo(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	if _, err := c.Topic(t.Context(), "letters"); err != nil {
		t.Fatal(err)
	}
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "letters", Err: wireerr.TopicAuthorizationFailed, Count: -1})
	_, _, err := c.PartitionOffsets(t.Context(), letters)
	kafkatest.WantError(t, err, kerr.ErrDenied)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "letters", Err: wireerr.TopicAuthorizationFailed, Count: -1})
	_, err = c.Topic(t.Context(), "letters")
	kafkatest.WantError(t, err, kerr.ErrDenied)
}

var letters = record.TopicPartition{Topic: "letters", Partition: 0}

// readings are all calls that ask the brokers.
func readings(c *Cluster) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"topics":  func(ctx context.Context) error { _, err := c.TopicNames(ctx); return err },
		"topic":   func(ctx context.Context) error { _, err := c.Topic(ctx, "letters"); return err },
		"offsets": func(ctx context.Context) error { _, _, err := c.PartitionOffsets(ctx, letters); return err },
		"brokers": func(ctx context.Context) error { _, err := c.Brokers(ctx); return err },
		"cluster": func(ctx context.Context) error { _, err := c.ClusterID(ctx); return err },
	}
}

// silentBroker is the address of a broker that takes connections and never answers.
func silentBroker(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// openOnSilent opens a client whose brokers have told it of themselves, and answer nothing since.
func openOnSilent(t *testing.T) *Cluster {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	if _, err := c.Topic(t.Context(), "letters"); err != nil {
		t.Fatal(err)
	}
	kafkatest.Silence(k)
	return c
}

// unansweredReading ends after QueryTime: it has no deadline of its own, and no broker answers it.
type unansweredReading chan struct{}

// askInVain begins such a reading, on a client of its own.
func askInVain(t *testing.T) unansweredReading {
	t.Helper()
	end := make(unansweredReading)
	t.Cleanup(func() { <-end }) // after the end of its client
	c := openOnSilent(t)
	go func() {
		defer close(end)
		_, _ = c.Topic(context.Background(), "letters")
	}()
	return end
}

func (r unansweredReading) ended() bool {
	select {
	case <-r:
		return true
	default:
		return false
	}
}

// All these readings end before one without a deadline, though it has time for as many turns.
func TestAReadingEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{silentBroker(t)})
	unanswered := askInVain(t)
	var all sync.WaitGroup
	for name, read := range readings(c) {
		all.Go(func() {
			for range 2 * QueryTime / TurnTime {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				kafkatest.WantError(t, read(ctx), kerr.ErrNoAnswer)
				cancel()
			}
			if unanswered.ended() {
				t.Errorf("%s: the readings did not end with their deadlines", name)
			}
		})
	}
	all.Wait()
}

func TestAReadingEndsWithItsCallerAndWithTheClient(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (*Cluster, map[string]func(context.Context) error){
		"never answered": func(t *testing.T) (*Cluster, map[string]func(context.Context) error) {
			c := openOn(t, []string{silentBroker(t)})
			return c, readings(c)
		},
		"silent by now": func(t *testing.T) (*Cluster, map[string]func(context.Context) error) {
			c := openOnSilent(t)
			all := readings(c)
			delete(all, "cluster") // which is known
			return c, all
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unanswered := askInVain(t)
			c, all := open(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := begin(ctx, all)
			cancel()
			for range all {
				kafkatest.WantError(t, soonest(t, ended), context.Canceled)
			}
			// What begins now begins after the unanswered reading.
			short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			kafkatest.WantError(t, all["topic"](short), kerr.ErrNoAnswer)
			ended = begin(t.Context(), all)
			if err := shut(c); err != nil {
				t.Error(err)
			}
			for range all {
				kafkatest.WantError(t, soonest(t, ended), kerr.ErrStopping)
			}
			if unanswered.ended() {
				t.Error("the readings did not end with their client")
			}
		})
	}
}

// begin begins all readings, and tells how they end.
func begin(ctx context.Context, all map[string]func(context.Context) error) <-chan error {
	ended := make(chan error)
	for _, read := range all {
		go func() { ended <- read(ctx) }()
	}
	return ended
}

func soonest(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(kafkatest.Patience):
		t.Fatal("a reading does not end")
		return nil
	}
}

// A broker that does not answer in a turn is no answer yet: others are asked, until the caller's time is over.
func TestAReadingIsTriedUntilItsDeadline(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{silentBroker(t)})
	ctx, cancel := context.WithTimeout(t.Context(), 2*TurnTime)
	defer cancel()
	_, err := c.TopicNames(ctx)
	kafkatest.WantError(t, err, kerr.ErrNoAnswer)
	deadline, _ := ctx.Deadline()
	if left := time.Until(deadline); left > TurnTime/2 { // librdkafka gives up a little before the deadline that it is given
		t.Errorf("given up %s before the deadline", left)
	}
}
