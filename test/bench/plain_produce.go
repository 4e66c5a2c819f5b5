package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// value is what every record carries that redis-benchmark sends: 100 bytes.
const value = "Sluices are gates that hold the water of a river back and let through just as much as is wanted now."

// producerSettings are those of sluice; linger in milliseconds.
func producerSettings(brokers string, linger int) kafka.ConfigMap {
	return kafka.ConfigMap{
		"bootstrap.servers":            brokers,
		"acks":                         "all",
		"enable.idempotence":           true,
		"compression.type":             "lz4",
		"linger.ms":                    linger,
		"partitioner":                  "murmur2_random",
		"queue.buffering.max.messages": 100_000,
		"queue.buffering.max.kbytes":   131_072,
		"enable.metrics.push":          false,
	}
}

// bindingProduces is the loop that a program without sluice would have: Produce, with another
// goroutine that reads Events.
func bindingProduces(ctx context.Context, e errand) (finding, error) {
	settings := producerSettings(e.brokers, e.linger)
	settings["batch.size"] = e.batch
	p, err := kafka.NewProducer(&settings)
	if err != nil {
		return finding{}, err
	}
	defer p.Close()
	reports := &reports{left: e.n, room: make(chan struct{}, 1), done: make(chan struct{})}
	go reports.read(p.Events())
	begin := time.Now()
	if err := produceAll(ctx, p, e, reports.room); err != nil {
		return finding{}, err
	}
	enqueued := time.Since(begin)
	select {
	case <-reports.done:
	case <-ctx.Done():
		return finding{}, ctx.Err()
	}
	return finding{Records: e.n, Enqueued: enqueued, Elapsed: time.Since(begin)}, reports.err
}

func produceAll(ctx context.Context, p *kafka.Producer, e errand, room <-chan struct{}) error {
	next := values(e.alike)
	for range e.n {
		if err := produceOne(ctx, p, &e.topic, next(), room); err != nil {
			return err
		}
	}
	return nil
}

// values gives 100 bytes at a time: always the same, or hexadecimal noise, which compresses to half
// its size and repeats beyond the reach of lz4's window (64 KiB) only.
func values(alike bool) func() []byte {
	same := []byte(value)
	if alike {
		return func() []byte { return same }
	}
	noise := make([]byte, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	at := 0
	return func() []byte {
		at = (at + len(value)) % (len(noise) - len(value))
		return noise[at : at+len(value)]
	}
}

// produceOne waits for a delivery report when the queue is full.
func produceOne(ctx context.Context, p *kafka.Producer, topic *string, v []byte, room <-chan struct{}) error {
	for {
		err := p.Produce(&kafka.Message{
			TopicPartition: kafka.TopicPartition{Topic: topic, Partition: kafka.PartitionAny},
			Value:          v,
		}, nil)
		var full kafka.Error
		if err == nil || !errors.As(err, &full) || full.Code() != kafka.ErrQueueFull {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reports counts delivery reports.
type reports struct {
	left int
	room chan struct{} // told after each report
	done chan struct{} // closed after the last
	err  error
}

func (r *reports) read(events <-chan kafka.Event) {
	defer close(r.done)
	for event := range events {
		m, is := event.(*kafka.Message)
		if !is {
			continue
		}
		if m.TopicPartition.Error != nil {
			r.err = m.TopicPartition.Error
		}
		select {
		case r.room <- struct{}{}:
		default:
		}
		if r.left--; r.left == 0 {
			return
		}
	}
}
