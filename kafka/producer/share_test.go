package producer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// One topic whose broker is silent has half of the queue, and no more: the others never wait.
func TestATopicThatDoesNotGetOnLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	k, brokers := threeBrokers(t, kfake.SeedTopics(1, "stuck", "healthy"))
	for topic, leader := range map[string]int32{"stuck": 1, "healthy": 2} {
		if err := k.MoveTopicPartition(topic, 0, leader); err != nil {
			t.Fatal(err)
		}
	}
	const queue = 1000
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Producer = config.Properties{"queue.buffering.max.messages": fmt.Sprint(queue)}
	})
	p := newCaller(t, ps)
	for _, topic := range []string{"stuck", "healthy"} {
		wantOutcome(t, p.deliver(t, topic, []byte("x")), record.OK)
		if err := p.Buffer([]byte(topic), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Push()
	kafkatest.Eventually(t, "the first records", func() bool { return p.Pending() == 0 })
	brokers[1].suspend()
	taken := 0
	var exceeded *queueShareError
	for ; taken < 2*queue; taken++ {
		if err := p.Buffer([]byte("stuck"), nil, []byte("x")); errors.As(err, &exceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if exceeded == nil || taken < queue/2 || taken > queue/2+2*sessionBatchRecords {
		t.Fatalf("%d records of one topic were taken, %v", taken, exceeded)
	}
	for range 5 * queue {
		if p.Pending() > taken+100 {
			kafkatest.Eventually(t, "the end of some", func() bool { return p.Drained(taken + 50) })
		}
		if err := p.Buffer([]byte("healthy"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	wantFullest(t, ps, config.Buffered)
	want := "broker 1 at " + k.ListenAddrs()[1] + " leads partition 0 and does not answer"
	kafkatest.Eventually(t, "the silent broker's name", func() bool {
		err := p.Buffer([]byte("stuck"), nil, []byte("x"))
		return strings.Contains(StayedFull("stuck", 5, err).Error(), want)
	})
	brokers[1].resume()
	kafkatest.Eventually(t, "the end of all", func() bool { return p.Drained(0) })
	if failed := p.TakeFailed(); failed != 0 {
		t.Errorf("%d records failed", failed)
	}
}

func wantFullest(t *testing.T, ps *Producers, profile string) {
	t.Helper()
	for _, p := range ps.Status() {
		if p.Name == profile && p.Fullest < 0.9 {
			t.Errorf("the fullest topic of %s has come %v of the way to its share", profile, p.Fullest)
		}
	}
}

func TestTheProblemOfAPartitionIsNamed(t *testing.T) {
	t.Parallel()
	heard := []cluster.Heard{{Broker: cluster.Broker{ID: 1, Host: "kafka1", Port: 9092}, Silent: false}, {Broker: cluster.Broker{ID: 2, Host: "kafka2", Port: 9092}, Silent: true}}
	found := problems{}
	found.add(&librdkafka.Topic{Name: "t", Partitions: []librdkafka.TopicPartition{
		{ID: 0, Leader: 1, Replicas: []int32{1, 2}, InSync: []int32{1, 2}},
		{ID: 1, Leader: 2, Replicas: []int32{1, 2}, InSync: []int32{1, 2}},
		{ID: 2, Leader: -1, Replicas: []int32{2, 3}},
		{ID: 3, Leader: 1, Replicas: []int32{1, 2, 3}, InSync: []int32{1}},
	}}, heard, "2")
	for partition, want := range map[int32]string{
		AnyPartition: "broker 2 at kafka2:9092 leads partition 1 and does not answer",
		0:            "",
		1:            "broker 2 at kafka2:9092 leads partition 1 and does not answer",
		2:            "no broker leads partition 2, which is on broker 2 at kafka2:9092, broker 3",
		3:            "partition 3 has 1 of 3 replicas in sync, min.insync.replicas is 2",
	} {
		if got := found[record.TopicPartition{Topic: "t", Partition: partition}]; got != want {
			t.Errorf("partition %d: %q, want %q", partition, got, want)
		}
	}
}
