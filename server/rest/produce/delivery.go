// Package produce hands the records of requests to Kafka.
package produce

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Delivery produces the records of one request, and waits for their results. When a request ends early its records
// stay on their way: they are sent and counted, but nobody is told.
type Delivery struct {
	Publisher *kafka.Publisher
	bell      server.Bell
	opts      *exchange.Options
}

// NewDelivery begins to produce. The caller must call Close.
func NewDelivery(x *exchange.Exchange) (*Delivery, error) {
	d := &Delivery{bell: server.NewBell(), opts: x.Opts}
	publisher, err := x.Kafka.Publisher(d.bell.Ring)
	d.Publisher = publisher
	return d, err
}

// Close forgets the records whose results nobody waits for.
func (d *Delivery) Close() { d.Publisher.Close() }

// notTaken is the result of a record that did not get into a queue.
func notTaken(out *kafka.Outgoing, err error) kafka.Result {
	failure := &kafka.ProduceError{}
	if !errors.As(err, &failure) {
		failure = &kafka.ProduceError{Outcome: kafka.Retry, Topic: out.Topic, Reason: err.Error()}
	}
	return kafka.Result{Partition: out.Partition, Offset: -1, Timestamp: -1, Err: failure}
}

// Deliver sends all records and waits for the brokers' answers. The error says that the client has gone.
func (d *Delivery) Deliver(ctx context.Context, records []kafka.Outgoing) ([]kafka.Result, error) {
	results := make([]kafka.Result, 0, len(records))
	failed := map[int]kafka.Result{}
	full := time.Now().Add(d.opts.QueueTimeout)
	for i := range records {
		err := d.Enqueue(ctx, d.Publisher.Send, &records[i], full)
		if errors.Is(err, exchange.ErrGone) {
			d.Publisher.Forget(i - len(failed))
			return nil, err
		}
		if err != nil {
			failed[i] = notTaken(&records[i], err)
		}
	}
	results, err := d.await(ctx, len(records)-len(failed), results)
	if err != nil || len(failed) == 0 {
		return results, err
	}
	return merge(len(records), results, failed), nil
}

// merge puts the results of records that were not sent back into their places.
func merge(n int, sent []kafka.Result, failed map[int]kafka.Result) []kafka.Result {
	all := make([]kafka.Result, 0, n)
	for i := range n {
		if f, is := failed[i]; is {
			all = append(all, f)
			continue
		}
		all, sent = append(all, sent[0]), sent[1:]
	}
	return all
}

// Buffer queues all records without waiting for the brokers, and says which did not get into the queue.
func (d *Delivery) Buffer(ctx context.Context, records []kafka.Outgoing) (results []kafka.Result, failed int, err error) {
	full := time.Now().Add(d.opts.QueueTimeout)
	for i := range records {
		err := d.Enqueue(ctx, d.Publisher.SendBuffered, &records[i], full)
		if errors.Is(err, exchange.ErrGone) {
			return nil, 0, err
		}
		result := kafka.Result{Partition: -1, Offset: -1, Timestamp: -1}
		if err != nil {
			result = notTaken(&records[i], err)
			failed++
		}
		results = append(results, result)
	}
	return results, failed, nil
}

// Enqueue hands one record to a queue. It waits for room until the given time.
func (d *Delivery) Enqueue(ctx context.Context, send func(kafka.Outgoing) error, out *kafka.Outgoing, full time.Time) error {
	wait := func(until time.Time) error {
		select {
		case <-d.bell:
			return nil
		case <-time.After(time.Until(until)):
			return nil
		case <-ctx.Done():
			return exchange.ErrGone
		}
	}
	room := func() bool { return d.Publisher.Room() }
	stayedFull, err := server.SendWithin(full, room, func() error { return send(*out) }, wait)
	if stayedFull {
		return kafka.StayedFull(out.Topic, d.opts.QueueTimeout, err)
	}
	return err
}

// await appends the results of the n records that were sent. It waits at most AckTimeout.
func (d *Delivery) await(ctx context.Context, n int, into []kafka.Result) ([]kafka.Result, error) {
	patience := time.NewTimer(d.opts.AckTimeout)
	defer patience.Stop()
	for {
		if results, ok := d.Publisher.Results(n, into); ok {
			return results, nil
		}
		select {
		case <-d.bell:
		case <-patience.C:
			return d.abandon(n, into), nil
		case <-ctx.Done():
			d.Publisher.Forget(n)
			return nil, exchange.ErrGone
		}
	}
}

// abandon appends what is known about n records, and stops waiting for the others.
func (d *Delivery) abandon(n int, into []kafka.Result) []kafka.Result {
	d.Publisher.GiveUp(n, d.opts.AckTimeout)
	results, _ := d.Publisher.Results(n, into)
	return results
}
