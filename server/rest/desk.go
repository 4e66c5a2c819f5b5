package rest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
)

// desk is where one request hands its records over and waits for what becomes of them. A request that
// ends early leaves them on their way: they are sent and counted, and nobody is told.
type desk struct {
	publisher *kafka.Publisher
	bell      server.Bell
	opts      *Options
}

func (x *exchange) desk() (*desk, error) {
	d := &desk{bell: server.NewBell(), opts: x.opts}
	publisher, err := x.kafka.Publisher(d.bell.Ring)
	d.publisher = publisher
	return d, err
}

func (d *desk) close() { d.publisher.Close() }

// unsent is the result of a record that was not taken.
func unsent(out *kafka.Outgoing, err error) kafka.Result {
	failure := &kafka.ProduceError{}
	if !errors.As(err, &failure) {
		failure = &kafka.ProduceError{Outcome: kafka.Retry, Topic: out.Topic, Reason: err.Error()}
	}
	return kafka.Result{Partition: out.Partition, Offset: -1, Timestamp: -1, Err: failure}
}

// deliver sends all records and waits for the brokers' answers. The error says that the client has gone.
func (d *desk) deliver(ctx context.Context, records []kafka.Outgoing) ([]kafka.Result, error) {
	results := make([]kafka.Result, 0, len(records))
	failed := map[int]kafka.Result{}
	full := time.Now().Add(d.opts.QueueTimeout)
	for i := range records {
		err := d.hand(ctx, d.publisher.Send, &records[i], full)
		if errors.Is(err, errGone) {
			d.publisher.Forsake(i - len(failed))
			return nil, err
		}
		if err != nil {
			failed[i] = unsent(&records[i], err)
		}
	}
	results, err := d.await(ctx, len(records)-len(failed), results)
	if err != nil || len(failed) == 0 {
		return results, err
	}
	return merge(len(records), results, failed), nil
}

// merge puts the records that were not taken back into their places.
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

// buffer queues all records without waiting for the brokers, and says which were not taken.
func (d *desk) buffer(ctx context.Context, records []kafka.Outgoing) (results []kafka.Result, failed int, err error) {
	full := time.Now().Add(d.opts.QueueTimeout)
	for i := range records {
		err := d.hand(ctx, d.publisher.SendBuffered, &records[i], full)
		if errors.Is(err, errGone) {
			return nil, 0, err
		}
		result := kafka.Result{Partition: -1, Offset: -1, Timestamp: -1}
		if err != nil {
			result = unsent(&records[i], err)
			failed++
		}
		results = append(results, result)
	}
	return results, failed, nil
}

// hand gives a record over, waiting for room until the moment full.
func (d *desk) hand(ctx context.Context, send func(kafka.Outgoing) error, out *kafka.Outgoing, full time.Time) error {
	wait := func(until time.Time) error {
		select {
		case <-d.bell:
			return nil
		case <-time.After(time.Until(until)):
			return nil
		case <-ctx.Done():
			return errGone
		}
	}
	room := func() bool { return d.publisher.Room() } //nolint:contextcheck // what it may start outlives the request
	stayedFull, err := server.SendWithin(full, room, func() error { return send(*out) }, wait)
	if stayedFull {
		return kafka.StayedFull(out.Topic, d.opts.QueueTimeout, err)
	}
	return err
}

// await appends the results of the n records that were sent, waiting for them as long as a client may.
func (d *desk) await(ctx context.Context, n int, into []kafka.Result) ([]kafka.Result, error) {
	patience := time.NewTimer(d.opts.AckTimeout)
	defer patience.Stop()
	for {
		if results, ok := d.publisher.Results(n, into); ok { //nolint:contextcheck // as in hand
			return results, nil
		}
		select {
		case <-d.bell:
		case <-patience.C:
			return d.giveUp(n, into), nil //nolint:contextcheck // as in hand
		case <-ctx.Done():
			d.publisher.Forsake(n)
			return nil, errGone
		}
	}
}

// giveUp appends what is known of the n records, and forsakes the others.
func (d *desk) giveUp(n int, into []kafka.Result) []kafka.Result {
	for range n {
		results, ok := d.publisher.Results(1, into)
		if !ok {
			d.publisher.Forsake(1)
			results = append(into, kafka.Result{Partition: -1, Offset: -1, Timestamp: -1, Err: &kafka.ProduceError{
				Outcome: kafka.Unknown, Reason: fmt.Sprintf("the brokers did not answer within %s", d.opts.AckTimeout),
			}})
		}
		into = results
	}
	return into
}
