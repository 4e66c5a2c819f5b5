package harnesstest

import (
	"context"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// FakeCluster is a Kafka inside the test's process, and a client of it that shares no code with the proxy.
type FakeCluster struct {
	*harness.Fake

	Admin *harness.Admin
}

// Fake starts a fake cluster.
func Fake(t *testing.T, o harness.FakeOptions) *FakeCluster {
	t.Helper()
	fake, err := harness.StartFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	return &FakeCluster{fake, Admin(t, fake.Brokers())}
}

// KafkaCluster is some nodes of a real Apache Kafka, and a client of it that shares no code with the proxy.
type KafkaCluster struct {
	*harness.Kafka

	Admin *harness.Admin
}

// Kafka starts a real cluster.
func Kafka(t *testing.T, ctx context.Context, o harness.KafkaOptions) *KafkaCluster {
	t.Helper()
	k, err := harness.StartKafka(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return &KafkaCluster{k, Admin(t, k.Brokers())}
}

// Admin opens a client of a cluster that shares no code with the proxy.
func Admin(t *testing.T, brokers []string) *harness.Admin {
	t.Helper()
	admin, err := harness.OpenAdmin(brokers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return admin
}

// Topic creates a topic.
func Topic(t *testing.T, ctx context.Context, admin *harness.Admin, name string, partitions int) {
	t.Helper()
	if err := admin.CreateTopic(ctx, name, partitions); err != nil {
		t.Fatal(err)
	}
}
