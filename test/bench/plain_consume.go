package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func consumerSettings(brokers, group string) *kafka.ConfigMap {
	return &kafka.ConfigMap{
		"bootstrap.servers":             brokers,
		"group.id":                      group,
		"auto.offset.reset":             "earliest",
		"partition.assignment.strategy": "cooperative-sticky",
		"enable.metrics.push":           false,
	}
}

func subscribe(e errand, group string) (*kafka.Consumer, error) {
	c, err := kafka.NewConsumer(consumerSettings(e.brokers, group))
	if err != nil {
		return nil, err
	}
	return c, c.Subscribe(e.topic, nil)
}

// bindingConsumes reads n records with Poll, timed from the first; offsets are committed
// automatically.
func bindingConsumes(ctx context.Context, e errand) (finding, error) {
	c, err := subscribe(e, e.group)
	if err != nil {
		return finding{}, err
	}
	if err := pollOne(ctx, c); err != nil {
		return finding{}, err
	}
	begin := time.Now()
	for range e.n {
		if err := pollOne(ctx, c); err != nil {
			return finding{}, err
		}
	}
	return finding{Records: e.n, Elapsed: time.Since(begin)}, c.Close()
}

func pollOne(ctx context.Context, c *kafka.Consumer) error {
	for ctx.Err() == nil {
		switch event := c.Poll(100).(type) {
		case *kafka.Message:
			return event.TopicPartition.Error
		case kafka.Error:
			if event.IsFatal() {
				return event
			}
		}
	}
	return ctx.Err()
}

// pollEach polls all of them in turn until each had a record.
func pollEach(ctx context.Context, consumers []*kafka.Consumer) error {
	seated := map[*kafka.Consumer]bool{}
	for len(seated) < len(consumers) && ctx.Err() == nil {
		for _, c := range consumers {
			if seated[c] {
				continue
			}
			if _, is := c.Poll(1).(*kafka.Message); is {
				seated[c] = true
			}
		}
	}
	return ctx.Err()
}

// bindingHolds keeps n consumers, each in a group of its own and with a backlog, and reports what
// they cost. They are polled from one goroutine, so that no thread is Go's.
func bindingHolds(ctx context.Context, e errand) (finding, error) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		return finding{}, err
	}
	consumers := make([]*kafka.Consumer, e.n)
	for i := range consumers {
		if consumers[i], err = subscribe(e, fmt.Sprintf("%s-%d", e.group, i)); err != nil {
			return finding{}, err
		}
	}
	if err := pollEach(ctx, consumers); err != nil {
		return finding{}, err
	}
	if err := wait(ctx, 3*time.Second); err != nil { // until their queues are full
		return finding{}, err
	}
	after, err := usageOf(os.Getpid())
	return finding{Before: before, After: after}, err
}

// bindingWaits takes the time from Produce to Poll's answer, n times, one record at a time.
func bindingWaits(ctx context.Context, e errand) (finding, error) {
	settings := producerSettings(e.brokers, 0)
	p, err := kafka.NewProducer(&settings)
	if err != nil {
		return finding{}, err
	}
	go func() {
		for range p.Events() { // delivery reports
		}
	}()
	defer p.Close()
	c, err := subscribe(e, e.group)
	if err != nil {
		return finding{}, err
	}
	if _, err := wayOf(ctx, p, c, e.topic); err != nil { // joins the group, warms up
		return finding{}, err
	}
	var f finding
	for range e.n {
		took, err := wayOf(ctx, p, c, e.topic)
		if err != nil {
			return finding{}, err
		}
		f.Times = append(f.Times, took)
	}
	return f, c.Close()
}

// wayOf is how long one record takes.
func wayOf(ctx context.Context, p *kafka.Producer, c *kafka.Consumer, topic string) (time.Duration, error) {
	polled := make(chan error, 1)
	var at time.Time
	go func() {
		err := pollOne(ctx, c)
		at = time.Now()
		polled <- err
	}()
	if err := wait(ctx, idle); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := produceOne(ctx, p, &topic, []byte(value), nil); err != nil {
		return 0, err
	}
	err := <-polled
	return at.Sub(begin), err
}
