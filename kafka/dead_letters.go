package kafka

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// deadLetters writes dead letters, each in a goroutine of its own that waits for the brokers. There are few at a time: a subscription
// bounds how many of its records are dying.
//
// It has a life of its own, which ends after the subscriptions and before the producers: what dies while sluice
// stops is written as well.
type deadLetters struct {
	settings  *atomic.Pointer[config.Config]
	cluster   *cluster.Cluster
	producers *producer.Producers
	life      *lifetime.Lifetime
	slots     chan struct{} // one for each letter that is being written

	mu     sync.Mutex // guards what follows
	shapes map[string]shape
}

// shape is what is known of a dead-letter topic.
type shape struct {
	cluster.Shape

	asked time.Time
}

const (
	mostLetters = 1000 // that are written at once; each has a goroutine and its record
	shapeFor    = time.Minute
	mostShapes  = 1000
	queueTime   = 5 * time.Second       // for a letter to get into the producer's queue
	queueTick   = 20 * time.Millisecond // nobody is told when the queue has room
)

func newDeadLetters(settings *atomic.Pointer[config.Config], cluster *cluster.Cluster, producers *producer.Producers) *deadLetters {
	return &deadLetters{
		settings: settings, cluster: cluster, producers: producers,
		life: lifetime.New(), slots: make(chan struct{}, mostLetters), shapes: map[string]shape{},
	}
}

// ensure returns nil if the dead-letter topic of a topic exists, or was created; see Cluster.EnsureDeadLetters.
func (d *deadLetters) ensure(ctx context.Context, source, deadLetter string) error {
	if err := d.cluster.EnsureDeadLetters(ctx, source, deadLetter); err != nil {
		return err
	}
	// Both are asked for now, because nobody is asked any more while sluice stops.
	d.producers.Learn(deadLetter)
	_, err := d.shapeOf(ctx, deadLetter)
	return err
}

// write has a letter written. It does not wait. Another goroutine calls done once, with nil when all replicas that acks=all asks for
// have the letter. After any error the letter may be written again. It was written already if the outcome is
// unknown. Then there are two, with the same source in their headers.
func (d *deadLetters) write(l failures.Letter, done func(error)) {
	refused := kerr.ErrFull
	select {
	case d.slots <- struct{}{}:
		refused = kerr.ErrStopping
		if d.life.Go(func() {
			err := d.deliver(&l)
			<-d.slots // before done, which may write the next
			done(err)
		}) {
			return
		}
		<-d.slots
	default:
	}
	go done(refused) // ends by itself: the caller may hold a lock that done needs
}

// close waits for the letters that are under way. With ctx it gives them up.
func (d *deadLetters) close(ctx context.Context) {
	d.life.Stop()
	_ = d.life.Wait(ctx)
	d.life.End()
}

// deliver writes a letter, and waits for the brokers' answer. While the letter is too large for the topic it becomes smaller: sluice
// may not be allowed to read the topic's limit.
func (d *deadLetters) deliver(l *failures.Letter) error {
	s, err := d.shapeOf(d.life.Context, l.Topic)
	if err != nil {
		return err
	}
	for {
		out := l.Record(s.Partitions, s.Largest)
		err := d.produce(&out)
		if errors.Is(err, kerr.ErrNoPartition) || errors.Is(err, kerr.ErrNoTopic) { // it was deleted, and perhaps created again
			d.forget(l.Topic)
		}
		if !errors.Is(err, kerr.ErrTooLarge) || s.Largest <= failures.LeastLimit {
			return err
		}
		s.Largest = max(s.Largest/2, failures.LeastLimit)
		d.remember(l.Topic, s)
	}
}

// produce produces a record, and waits for its outcome.
func (d *deadLetters) produce(r *record.Record) error {
	woken := make(chan struct{}, 1)
	p, err := d.producers.Publisher(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer p.Close()
	if err := d.send(p, r); err != nil {
		return err
	}
	for {
		if failure, ok := p.Take(1); failure != nil {
			return failure
		} else if ok {
			return nil
		}
		select { // the producer gives every record up in message.timeout.ms
		case <-woken:
		case <-d.life.Context.Done():
			return kerr.ErrStopping
		}
	}
}

// send hands a letter to the producer. While the queue is full it tries again for queueTime.
func (d *deadLetters) send(p *producer.Publisher, r *record.Record) error {
	out := producer.Outgoing{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
	patience := time.NewTimer(queueTime)
	defer patience.Stop()
	tick := time.NewTicker(queueTick)
	defer tick.Stop()
	for {
		err := p.Send(out)
		if !errors.Is(err, kerr.ErrFull) {
			return err
		}
		select {
		case <-tick.C:
		case <-d.life.Context.Done():
			return kerr.ErrStopping
		case <-patience.C:
			return producer.StayedFull(r.Topic, queueTime, err)
		}
	}
}

// shapeOf is a topic's shape, as it was in the last minute. An older one is better than none.
func (d *deadLetters) shapeOf(ctx context.Context, topic string) (cluster.Shape, error) {
	old, isKnown, isFresh := d.known(topic)
	if isFresh {
		return old, nil
	}
	now, err := d.cluster.TopicShape(ctx, topic)
	switch {
	case err != nil && isKnown && !errors.Is(err, kerr.ErrNoTopic):
		return old, nil
	case err != nil:
		return now, err
	}
	if largest := d.settings.Load().LargestRecord(); now.Largest == 0 || now.Largest > largest {
		now.Largest = largest
	}
	d.remember(topic, now)
	return now, nil
}

// known is what is remembered of a topic. When it is old, the first who asks looks the topic up, and the others use what there is.
func (d *deadLetters) known(topic string) (s cluster.Shape, isKnown, isFresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept, is := d.shapes[topic]
	if !is {
		return s, false, false
	}
	if time.Since(kept.asked) < shapeFor {
		return kept.Shape, true, true
	}
	d.shapes[topic] = shape{kept.Shape, time.Now()}
	return kept.Shape, true, false
}

func (d *deadLetters) remember(topic string, s cluster.Shape) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.shapes) >= mostShapes {
		clear(d.shapes)
	}
	d.shapes[topic] = shape{s, time.Now()}
}

func (d *deadLetters) forget(topic string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.shapes, topic)
}
