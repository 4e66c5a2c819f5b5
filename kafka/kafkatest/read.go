package kafkatest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Read reads the first n records of a topic, each partition's in order, as another client than ours does.
func Read(t *testing.T, brokers Reachable, topic string, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for ctx := Bounded(t); len(records) < n; {
		fetches := client.PollRecords(ctx, n-len(records))
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d records were read: %v", len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}
