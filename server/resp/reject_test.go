package resp

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka"
)

// unwilling is a door before a cluster whose topics take nothing while refuses is set, and a client that holds three records. The
// door waits as long as patience for brokers.
func unwilling(t *testing.T, patience time.Duration) (d *door, p *peer, refuses *atomic.Bool) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	d = open(t, Options{AckTimeout: patience}, cluster.ListenAddrs()...)
	cfg := kafka.Defaults()
	cfg.Brokers = cluster.ListenAddrs()
	cfg.Failures = kafka.Policies{{Group: "*", Topics: []kafka.TopicPolicy{{Topic: "*", Policy: kafka.Policy{DeadLetter: kafka.DeadLetter{Auto: true}}}}}}
	if _, err := d.kafka.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	p = d.dial(t)
	p.says("CLIENT SETNAME app:w", "+OK")
	p.says("RPUSH topics:orders a b c", ":3")
	if got := p.ask(`BLPOP 'topics:orders:{"sluice.batch":3}' 20`); len(got.([]any)) != 3 {
		t.Fatalf("BLPOP: %v", got)
	}
	refuses = &atomic.Bool{}
	refuses.Store(true)
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if !refuses.Load() {
			return nil, nil, false
		}
		return refusedProduce(r.(*kmsg.ProduceRequest)), nil, true
	})
	return d, p, refuses
}

// refusedProduce is the answer of a broker that refuses every record.
func refusedProduce(r *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range r.Topics {
		out := kmsg.NewProduceResponseTopic()
		out.Topic, out.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, kerr.InvalidRecord.Code
			out.Partitions = append(out.Partitions, part)
		}
		answer.Topics = append(answer.Topics, out)
	}
	return answer
}

// rejected waits until so many records are given up.
func (d *door) rejected(t *testing.T, n int64) {
	t.Helper()
	eventually(t, "the dead letters", func() bool {
		var dead int64
		for _, row := range d.kafka.Consumed() {
			dead += row.Dead
		}
		return dead == n
	})
}

// A rejection is not answered as done before its dead letter is written; and the client is told when that takes too long.
func TestARejectionWaitsForItsDeadLetter(t *testing.T) {
	t.Parallel()
	d, p, refuses := unwilling(t, time.Second)
	p.send("RPUSH rejects orders:0:0", "RPUSH renews orders:0:0 orders:0:1 orders:0:2")
	if got := p.line(); !strings.HasPrefix(got, "-CONS reject orders:0:0: its dead letter is not written after 1s. The record is given up all the same") {
		t.Error(got)
	}
	p.hears(":2") // given up: it is not the client's any more
	refuses.Store(false)
	d.rejected(t, 1)
}

// A client that goes while it waits takes nothing back: the letter is written, and nobody is told.
func TestARejectionOutlivesItsClient(t *testing.T) {
	t.Parallel()
	d, p, refuses := unwilling(t, time.Second)
	p.send("RPUSH rejects orders:0:0")
	eventually(t, "the rejection", func() bool {
		var n int64
		for _, row := range d.kafka.Consumed() {
			n += row.Rejected
		}
		return n == 1
	})
	p.Close()
	eventually(t, "the client's end", func() bool { return len(d.sessions.all()) == 0 })
	refuses.Store(false)
	d.rejected(t, 1)
}

// While sluice stops a rejection is answered as acknowledgements are.
func TestADrainServesRejections(t *testing.T) {
	t.Parallel()
	d, p, refuses := unwilling(t, patience)
	refuses.Store(false)
	drained := make(chan int)
	go func() { drained <- d.Drain(t.Context()) }()
	eventually(t, "the drain", d.drain.begun.Load)
	p.says("RPUSH rejects orders:0:0", ":1")
	p.says("RPUSH acks orders:0:2", ":1")
	if got := p.rest(); got != "" {
		t.Errorf("got %q at the end", got)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections were cut", cut)
	}
}
