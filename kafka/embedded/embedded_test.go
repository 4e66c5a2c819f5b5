package embedded_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/embedded"
)

const patience = 20 * time.Second

func start(t *testing.T, opts embedded.Options) *embedded.Broker {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	broker, err := embedded.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return broker
}

// produce writes one record to a topic that may not exist yet, and waits for the broker's answer.
func produce(t *testing.T, address, topic, value string) {
	t.Helper()
	p, err := ck.NewProducer(&ck.ConfigMap{"bootstrap.servers": address, "linger.ms": 0})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	reports := make(chan ck.Event, 1)
	where := ck.TopicPartition{Topic: &topic, Partition: 0}
	if err := p.Produce(&ck.Message{TopicPartition: where, Value: []byte(value)}, reports); err != nil {
		t.Fatal(err)
	}
	select {
	case report := <-reports:
		if m, ok := report.(*ck.Message); !ok || m.TopicPartition.Error != nil {
			t.Fatalf("not delivered: %v", report)
		}
	case <-time.After(patience):
		t.Fatal("no delivery report")
	}
}

// first reads the first record of partition 0.
func first(t *testing.T, address, topic string) string {
	t.Helper()
	c, err := ck.NewConsumer(&ck.ConfigMap{"bootstrap.servers": address, "group.id": "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	from := ck.TopicPartition{Topic: &topic, Partition: 0, Offset: ck.OffsetBeginning}
	if err := c.Assign([]ck.TopicPartition{from}); err != nil {
		t.Fatal(err)
	}
	m, err := c.ReadMessage(patience)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Value)
}

func partitions(t *testing.T, address, topic string) int {
	t.Helper()
	a, err := ck.NewAdminClient(&ck.ConfigMap{"bootstrap.servers": address})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	meta, err := a.GetMetadata(&topic, false, int(patience.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	return len(meta.Topics[topic].Partitions)
}

func TestFirstUseCreatesATopicWithOnePartition(t *testing.T) {
	broker := start(t, embedded.Options{})
	if !strings.HasPrefix(broker.Addr(), "127.0.0.1:") {
		t.Errorf("listens on %s, not on loopback", broker.Addr())
	}
	produce(t, broker.Addr(), "greetings", "Hello there!")
	if got := first(t, broker.Addr(), "greetings"); got != "Hello there!" {
		t.Errorf("read %q", got)
	}
	if n := partitions(t, broker.Addr(), "greetings"); n != 1 {
		t.Errorf("%d partitions", n)
	}
}

func TestTopicsExistFromTheStart(t *testing.T) {
	broker := start(t, embedded.Options{Topics: map[string]int32{"a": 2, "b": 5}})
	if n := partitions(t, broker.Addr(), "a"); n != 2 {
		t.Errorf("a has %d partitions", n)
	}
	if n := partitions(t, broker.Addr(), "b"); n != 5 {
		t.Errorf("b has %d partitions", n)
	}
}

func TestStateSurvivesARestartOnAnotherPort(t *testing.T) {
	dir := t.TempDir()
	broker, err := embedded.Start(embedded.Options{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	produce(t, broker.Addr(), "kept", "still here")
	broker.Close()

	again := start(t, embedded.Options{StateDir: dir})
	if got := first(t, again.Addr(), "kept"); got != "still here" {
		t.Errorf("read %q", got)
	}
}

// The files on the disk are what a kill -9 would leave. They have the topics that their first use created, the records, and
// the committed offsets of a group.
func TestWhatWasAnsweredIsOnTheDisk(t *testing.T) {
	dir, left := t.TempDir(), t.TempDir()
	broker := start(t, embedded.Options{StateDir: dir, Partitions: 3})
	produce(t, broker.Addr(), "kept", "still here")
	produce(t, broker.Addr(), "kept.too", "and here")
	commit(t, broker.Addr(), "kept", 1)
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}

	again := start(t, embedded.Options{StateDir: left, Partitions: 1})
	if got := first(t, again.Addr(), "kept.too"); got != "and here" {
		t.Errorf("read %q", got)
	}
	if n := partitions(t, again.Addr(), "kept"); n != 3 {
		t.Errorf("kept has %d partitions", n)
	}
	if at := committed(t, again.Addr(), "kept"); at != 1 {
		t.Errorf("committed is %d", at)
	}
}

func consumer(t *testing.T, address string) *ck.Consumer {
	t.Helper()
	c, err := ck.NewConsumer(&ck.ConfigMap{"bootstrap.servers": address, "group.id": "committing"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func commit(t *testing.T, address, topic string, offset int64) {
	t.Helper()
	c := consumer(t, address)
	defer c.Close()
	if _, err := c.CommitOffsets([]ck.TopicPartition{{Topic: &topic, Offset: ck.Offset(offset)}}); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, address, topic string) int64 {
	t.Helper()
	c := consumer(t, address)
	defer c.Close()
	at, err := c.Committed([]ck.TopicPartition{{Topic: &topic}}, int(patience.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	return int64(at[0].Offset)
}

func TestATakenAddressIsAnError(t *testing.T) {
	broker := start(t, embedded.Options{})
	other, err := embedded.Start(embedded.Options{Address: broker.Addr()})
	if err == nil {
		other.Close()
		t.Fatal("two brokers on one address")
	}
	if !strings.Contains(err.Error(), "embedded broker: ") || !strings.Contains(err.Error(), broker.Addr()) {
		t.Errorf("error: %v", err)
	}
}
