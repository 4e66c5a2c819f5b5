package producer

import (
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

// Brokers that lack replicas for a moment refuse a batch of one partition, while they have appended one of another
// partition and not answered. With more batches under way, they then refuse the next one as out of order. librdkafka
// would answer that with a new epoch, and number the appended batch anew: it would be there twice.
func TestABatchIsNotNumberedAnewForAnotherPartition(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Producer = config.Properties{"batch.num.messages": "1", "retry.backoff.ms": "500"}
	})
	p := newCaller(t, c)
	p.send(t, Outgoing{Topic: "letters", Partition: 0, Value: []byte("the producer has its id")})
	k.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: wireerr.RequestTimedOut}, // and appends
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{1}, Err: wireerr.NotEnoughReplicas},
	)
	arrived, sent := kafkatest.NewBell(), make(chan struct{})
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		arrived.Ring()
		k.SleepControl(func() { <-sent })
		return nil, nil, false
	})
	for i, partition := range []int32{0, 1, 1} {
		if err := p.Send(Outgoing{Topic: "letters", Partition: partition, Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		p.Push()
		if i == 0 {
			kafkatest.Await(t, arrived, "the first request")
		}
	}
	close(sent)
	for i, result := range p.results(t, 3) {
		if result.Err != nil {
			t.Errorf("record %d: %v", i, result.Err)
		}
	}
	for partition, want := range []int64{2, 2} {
		if high := k.PartitionInfo("letters", int32(partition)).HighWatermark; high != want {
			t.Errorf("partition %d has %d records, want %d", partition, high, want)
		}
	}
}
