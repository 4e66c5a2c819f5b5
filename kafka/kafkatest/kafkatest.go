// Package kafkatest is what tests of the packages of kafka share.
//
// It starts brokers in the process, writes records to them, and waits for what must come.
package kafkatest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Patience is how long a test waits for what must come.
const Patience = 20 * time.Second

// Brokers starts a fake Kafka cluster, of one broker unless opts say otherwise, that ends with the test.
func Brokers(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// Produce writes records, one after the other, as another client than ours does.
func Produce(t *testing.T, k *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, r := range records {
		if err := client.ProduceSync(Bounded(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// Bounded is a context for what must come. It may outlive the test's own, in what ends the test.
func Bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Briefly is a context for a question that has no answer.
func Briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Eventually waits until try is true, and fails the test after Patience.
func Eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	ctx := Bounded(t)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !try() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("waited in vain for " + what)
		}
	}
}

// WantError fails the test unless err is want.
func WantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
