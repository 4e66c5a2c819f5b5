//go:build kafka

package kafka

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Behind the last record is a transaction's marker, or what was aborted. A group that has done all records is committed
// at the end of every log, so that Kafka's own tools show no lag.
func TestTransactionsLeaveNoLag(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	harnesstest.Topic(t, ctx, c.Admin, "orders", 3)
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.TransactionalID("shop"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	transact(t, ctx, producer, kgo.TryCommit, 0, 1)
	transact(t, ctx, producer, kgo.TryAbort, 1, 2)
	for _, worker := range []string{"classic:w", "kip848:w"} {
		key := "topics:orders"
		if worker == "kip848:w" {
			key += `:{"group.protocol":"consumer"}`
		}
		w := member(t, c.proxy(t, ctx), worker)
		for range 2 {
			r, err := next(ctx, w, key, 30)
			if err == nil {
				err = ack(ctx, w, r)
			}
			if err != nil || r.value != "done" {
				t.Fatalf("got %v, %v", r, err)
			}
		}
		c.expectCommittedAll(t, ctx, worker[:len(worker)-2], "orders")
	}
}

// transact writes a record to each partition in one transaction.
func transact(t *testing.T, ctx context.Context, producer *kgo.Client, end kgo.TransactionEndTry, partitions ...int32) {
	t.Helper()
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	value := map[kgo.TransactionEndTry]string{kgo.TryCommit: "done", kgo.TryAbort: "undone"}[end]
	for _, p := range partitions {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "orders", Partition: p, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.EndTransaction(ctx, end); err != nil {
		t.Fatal(err)
	}
}
