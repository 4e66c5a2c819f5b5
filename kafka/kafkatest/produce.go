package kafkatest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Reachable has the addresses of brokers.
type Reachable interface{ ListenAddrs() []string }

// Produce writes records, one after the other, as another client than ours does.
func Produce(t *testing.T, brokers Reachable, records ...*kgo.Record) {
	t.Helper()
	client := producing(t, brokers, kgo.ManualPartitioner())
	defer client.Close()
	for _, r := range records {
		if err := client.ProduceSync(Bounded(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// Fill writes n records of 256 keys to a topic, in turn to each of its partitions, as another client than ours does.
func Fill(t *testing.T, brokers Reachable, topic string, n int) {
	t.Helper()
	client := producing(t, brokers, kgo.RoundRobinPartitioner())
	defer client.Close()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Key: []byte{byte(i)}, Value: []byte("a record")}
	}
	if err := client.ProduceSync(Bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func producing(t *testing.T, brokers Reachable, to kgo.Partitioner) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers.ListenAddrs()...), kgo.RecordPartitioner(to), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	return client
}
