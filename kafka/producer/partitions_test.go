package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// grow gives a topic partitions.
func grow(t *testing.T, ps *Producers, topic string, partitions int) {
	t.Helper()
	client, err := binding.NewAdminClient(&binding.ConfigMap{"bootstrap.servers": strings.Join(ps.settings.Load().Brokers, ",")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	results, err := client.CreatePartitions(context.Background(), []binding.PartitionsSpecification{{Topic: topic, IncreaseTo: partitions}})
	for _, r := range results {
		if r.Error.Code() != binding.ErrNoError {
			err = r.Error
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A partition was "rejected: it has no partition 1" until the producer happened to ask again.
func TestPartitionsThatWereAddedAreThereAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	for have := 1; have < 5; have++ {
		last := Outgoing{Topic: "letters", Partition: int32(have - 1), Value: []byte("x")}
		wantOutcome(t, p.send(t, last).Err, record.OK)
		beyond := last
		beyond.Partition++
		failure := p.send(t, beyond).Err
		wantOutcome(t, failure, record.Rejected)
		if want := fmt.Sprintf("it has no partition %d", have); failure.Reason != want {
			t.Errorf("%s, want %s", failure.Reason, want)
		}
		grow(t, ps, "letters", have+1)
		wantOutcome(t, p.send(t, beyond).Err, record.OK)
	}
	buffer := func(partition int32) (err error) {
		kafkatest.Eventually(t, "that the brokers were asked", func() bool {
			err = p.SendBuffered(Outgoing{Topic: "letters", Partition: partition, Value: []byte("x")})
			return !errors.Is(err, kerr.ErrFull)
		})
		return err
	}
	if err := buffer(0); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "its end", func() bool { return p.Drained(0) })
	wantOutcome(t, asProduceError(buffer(5), "letters"), record.Rejected)
	grow(t, ps, "letters", 6)
	kafkatest.Eventually(t, "the partition", func() bool { return buffer(5) == nil })
	kafkatest.Eventually(t, "its end", func() bool { return p.Drained(0) })
	if n := p.TakeFailed(); n != 0 {
		t.Errorf("%d failed", n)
	}
	allEnded(t, ps, 14)
}

// A topic that is deleted and made again takes records without a restart.
func TestATopicMadeAgainTakesRecords(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	if err := k.DeleteTopic("letters"); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "that it is gone", func() bool {
		failure := p.deliver(t, "letters", []byte("x"))
		return failure != nil && failure.Outcome == record.Rejected
	})
	if err := k.CreateTopic("letters", 2, nil); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the topic", func() bool {
		return p.send(t, Outgoing{Topic: "letters", Partition: 1, Value: []byte("x")}).Err == nil
	})
}
