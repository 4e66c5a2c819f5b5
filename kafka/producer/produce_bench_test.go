package producer

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// benched is a caller on a broker inside the process, whose topic is known.
func benched(b *testing.B) *caller {
	b.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "letters"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(k.Close)
	p := newCaller(b, openOn(b, k.ListenAddrs(), nil))
	if err := p.Deliver([]byte("letters"), nil, []byte("x")); err != nil {
		b.Fatal(err)
	}
	for ok := false; !ok; {
		if _, ok = p.Take(1); !ok {
			<-p.woken
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	return p
}

// pipelined hands in one record after another for as long as there is room, until all are reported.
func (c *caller) pipelined(b *testing.B, hand func() error) {
	b.Helper()
	for range b.N {
		for !c.Room() {
			<-c.woken
		}
		err := hand()
		for errors.Is(err, kerr.ErrFull) { // as sessions do
			err = hand()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for !c.Drained(0) {
		<-c.woken
	}
}

func BenchmarkBuffer(b *testing.B) {
	p, topic, value := benched(b), []byte("letters"), make([]byte, 100)
	p.pipelined(b, func() error { return p.Buffer(topic, nil, value) })
}

// batched hands in batches and waits for each.
func (c *caller) batched(b *testing.B, hand func() error, take func(n int) bool) {
	b.Helper()
	const batch = 500
	for done := 0; done < b.N; done += batch {
		for range batch {
			if err := hand(); err != nil {
				b.Fatal(err)
			}
		}
		for !take(batch) {
			<-c.woken
		}
	}
}

func BenchmarkDeliver(b *testing.B) {
	p, topic, value := benched(b), []byte("letters"), make([]byte, 100)
	p.batched(b, func() error { return p.Deliver(topic, nil, value) }, func(n int) bool {
		_, ok := p.Take(n)
		return ok
	})
}

// A record without details, and its result: what Send costs above Deliver.
func BenchmarkSend(b *testing.B) {
	p, out := benched(b), Outgoing{Topic: "letters", Partition: AnyPartition, Value: make([]byte, 100)}
	var results []Result
	p.batched(b, func() error { return p.Send(out) }, func(n int) (ok bool) {
		results, ok = p.Results(n, results[:0])
		return ok
	})
}

func BenchmarkSendWithHeaders(b *testing.B) {
	p, out := benched(b), Outgoing{
		Topic: "letters", Partition: 0, Value: make([]byte, 100), Timestamp: 1_700_000_000_000,
		Headers: []record.Header{{Name: "trace", Value: []byte("0123456789abcdef")}, {Name: "content-type", Value: []byte("text/plain")}},
	}
	var results []Result
	p.batched(b, func() error { return p.Send(out) }, func(n int) (ok bool) {
		results, ok = p.Results(n, results[:0])
		return ok
	})
}
