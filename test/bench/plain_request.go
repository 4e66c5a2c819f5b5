package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// bindingRequests is a program that produces for those who wait: callers that hand in some records, wait
// until the brokers have them all, and begin again, n times in all.
func bindingRequests(ctx context.Context, e errand) (finding, error) {
	settings := producerSettings(e.brokers, 0)
	p, err := kafka.NewProducer(&settings)
	if err != nil {
		return finding{}, err
	}
	defer p.Close()
	if _, err := requestAgain(ctx, p, e, 1); err != nil { // connects
		return finding{}, err
	}
	begin, each := time.Now(), max(1, e.n/e.callers)
	times := make(chan []time.Duration, e.callers)
	errs := make([]error, e.callers)
	var callers sync.WaitGroup
	for i := range e.callers {
		callers.Go(func() {
			took, err := requestAgain(ctx, p, e, each)
			times <- took
			errs[i] = err
		})
	}
	callers.Wait()
	f := finding{Records: e.callers * each * e.each, Elapsed: time.Since(begin)}
	for range e.callers {
		f.Times = append(f.Times, <-times...)
	}
	return f, errors.Join(errs...)
}

// requestAgain is one caller, and how long each of its requests took.
func requestAgain(ctx context.Context, p *kafka.Producer, e errand, times int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, times)
	reports := make(chan kafka.Event, e.each)
	for range times {
		begin := time.Now()
		for range e.each {
			m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &e.topic, Partition: kafka.PartitionAny}, Value: []byte(value)}
			if err := p.Produce(m, reports); err != nil {
				return nil, err
			}
		}
		if err := awaitReports(ctx, reports, e.each); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

func awaitReports(ctx context.Context, reports <-chan kafka.Event, n int) error {
	for range n {
		select {
		case report := <-reports:
			if m, is := report.(*kafka.Message); is && m.TopicPartition.Error != nil {
				return m.TopicPartition.Error
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
