package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

const dead = "dlq.letters.billing"

// given is a record of a partition that is given up.
func given(partition int32, value []byte) failures.Letter {
	return failures.Letter{
		Topic: dead, Group: "billing", Attempts: 4, First: time.UnixMilli(1), Now: time.Now(), Client: "a",
		Failure: failures.Failure{Reason: failures.RetriesExhausted, Class: "Timeout", Message: "lock wait", Backtrace: "a.rb:1"},
		Source: record.Record{
			TopicPartition: record.TopicPartition{Topic: "letters", Partition: partition}, Offset: 7, Timestamp: 1,
			Key: []byte("key"), Value: value, Headers: []record.Header{{Name: "binary", Value: []byte{0, 255}}, {Name: "null"}},
		},
	}
}

// written writes a letter and returns its end, which must come once.
func written(t *testing.T, c *Client, l failures.Letter) error {
	t.Helper()
	ends := make(chan error, 2)
	c.letters.write(l, func(err error) { ends <- err })
	ctx := kafkatest.Bounded(t)
	select {
	case err := <-ends:
		return err
	case <-ctx.Done():
		t.Fatal("the letter has no end")
	}
	return nil
}

func TestADeadLetterIsWritten(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	for partition := range int32(3) {
		for _, value := range [][]byte{nil, {}, []byte("value")} {
			if err := written(t, c, given(partition, value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[string]int{}
	for _, r := range kafkatest.Read(t, k, dead, 9) {
		seen[fmt.Sprintf("%d %t %s", r.Partition, r.Value == nil, r.Value)]++
		if string(r.Key) != "key" || len(r.Headers) < 10 || r.Headers[0].Key != "binary" || !bytes.Equal(r.Headers[0].Value, []byte{0, 255}) || r.Headers[1].Value != nil {
			t.Errorf("%q has headers %q", r.Key, r.Headers)
		}
	}
	for partition := range 3 {
		for _, want := range []string{"true ", "false ", "false value"} {
			if seen[fmt.Sprint(partition, " ", want)] != 1 {
				t.Errorf("%d %q is not there once: %v", partition, want, seen)
			}
		}
	}
}

// A topic takes what fits into it, whether or not sluice may read how much that is.
func TestADeadLetterFitsIntoItsTopic(t *testing.T) {
	t.Parallel()
	for _, denied := range []bool{false, true} {
		k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
		most := "5000"
		if err := k.CreateTopic(dead, 1, map[string]string{"max.message.bytes": most}); err != nil {
			t.Fatal(err)
		}
		if denied {
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: wireerr.TopicAuthorizationFailed, Count: -1})
		}
		c := openOn(t, k.ListenAddrs(), nil)
		large := make([]byte, 20_000)
		_, _ = rand.NewChaCha8([32]byte{}).Read(large) // nothing that shrinks
		for _, value := range [][]byte{large[:3000], large} {
			if err := written(t, c, given(0, value)); err != nil {
				t.Fatal(err)
			}
		}
		records := kafkatest.Read(t, k, dead, 2)
		if !bytes.Equal(records[0].Value, large[:3000]) && !denied || records[1].Value != nil {
			t.Errorf("denied %t: values of %d and %d bytes", denied, len(records[0].Value), len(records[1].Value))
		}
	}
}

func TestADeadLetterThatIsNotWritten(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	kafkatest.WantError(t, written(t, c, given(0, nil)), kerr.ErrNoTopic)
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.TopicAuthorizationFailed, Count: 1})
	kafkatest.WantError(t, written(t, c, given(0, nil)), kerr.ErrDenied)
}

// A topic that was created again, with fewer partitions, is looked at again.
func TestADeadLetterTopicThatWasCreatedAgain(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	ctx := kafkatest.Bounded(t)
	if err := c.letters.ensure(ctx, "letters", dead); err != nil {
		t.Fatal(err)
	}
	if err := written(t, c, given(2, nil)); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteTopic(ctx, dead); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateTopic(ctx, cluster.NewTopic{Name: dead, Partitions: 1, Replicas: -1}); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "a letter in the new topic", func() bool { return written(t, c, given(2, nil)) == nil })
	kafkatest.Read(t, k, dead, 1)
}

// Nobody knows of a letter without an answer whether it is written.
func TestADeadLetterWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Producer = config.Properties{"message.timeout.ms": "1000", "socket.timeout.ms": "500"}
	})
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	kafkatest.Mute(k)
	failure := &ProduceError{}
	if err := written(t, c, given(0, nil)); !errors.As(err, &failure) || failure.Outcome != record.Unknown {
		t.Errorf("it ended as %v", err)
	}
}

// Subscriptions end while sluice stops, and what they give up then is written.
func TestADeadLetterWhileSluiceStops(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	ends := make(chan error, 1)
	c.life.Go(func() { // as a subscription does
		<-c.life.Context.Done()
		c.letters.write(given(0, []byte("late")), func(err error) { ends <- err })
	})
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	if err := <-ends; err != nil {
		t.Error(err)
	}
	kafkatest.Read(t, k, dead, 1)
	kafkatest.WantError(t, written(t, c, given(0, nil)), kerr.ErrStopping)
}

func TestDeadLettersAreBounded(t *testing.T) {
	t.Parallel()
	c := openOn(t, []string{"127.0.0.1:1"}, nil)
	for range mostLetters {
		c.letters.slots <- struct{}{}
	}
	kafkatest.WantError(t, written(t, c, given(0, nil)), kerr.ErrFull)
	for range mostLetters {
		<-c.letters.slots
	}
}
