package kafka

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// producer is the one librdkafka producer of a profile, shared by all sessions, and the goroutine
// that drains it. After a fatal error the handle is replaced; sessions do not notice but for the
// records that were in flight.
type producer struct {
	profile    string
	properties Properties
	log        *slog.Logger
	publishers *publishers
	counts     *produceCounts
	topics     *topics

	handle  atomic.Pointer[librdkafka.Producer]
	ends    sync.Mutex    // held while a handle is replaced: guards what follows
	closing bool          // no handle is replaced any more
	ending  chan struct{} // closed when draining shall end
	drained chan struct{} // closed when it has

	// Owned by the drain goroutine.
	woken  []*Publisher // of the reports being read
	losses losses
	voice  voice
}

func newProducer(profile string, c *Client) (*producer, error) {
	p := &producer{
		profile: profile, properties: c.cfg.producerProperties(profile), log: c.log.With("profile", profile),
		publishers: &c.publishers, counts: &c.produced, topics: &c.topics,
		ending: make(chan struct{}), drained: make(chan struct{}),
	}
	handle, err := librdkafka.NewProducer(p.properties)
	if err != nil {
		return nil, err
	}
	p.handle.Store(handle)
	go p.drain()
	return p, nil
}

// produce hands one record to librdkafka.
func (p *producer) produce(topic string, key, value []byte, opaque uint64) (librdkafka.Code, error) {
	code, err := p.handle.Load().Produce(topic, key, value, opaque)
	if err != librdkafka.ErrClosed { //nolint:errorlint // never wrapped, and this is the hot path
		return code, err
	}
	// The handle was being replaced; its successor is stored before it is retired.
	return p.handle.Load().Produce(topic, key, value, opaque)
}

// drain reads the producer's events for as long as it lives, and never waits for a session.
func (p *producer) drain() {
	defer close(p.drained)
	for {
		p.handle.Load().Wait(time.Second)
		p.read(p.handle.Load())
		p.losses.log(p.log, time.Now())
		select {
		case <-p.ending:
			return
		default:
		}
	}
}

// read takes all events that are there.
func (p *producer) read(handle *librdkafka.Producer) {
	for {
		event := handle.Poll(p.report)
		switch event.Kind {
		case librdkafka.Nothing:
			return
		case librdkafka.Reports:
			p.wake()
		case librdkafka.Failure:
			if p.fail(handle, event) {
				return // the handle is gone: to poll it would be the end of the process
			}
		case librdkafka.Log:
			p.voice.line(p.log, event)
		}
	}
}

// report settles a run of delivery reports.
func (p *producer) report(run []librdkafka.Report) {
	for i := range run {
		r := &run[i]
		p.settle(r.Opaque, p.failure(r))
	}
}

func (p *producer) settle(opaque uint64, failure *ProduceError) {
	p.counts.end(failure)
	publisher := p.publishers.find(publisherOf(opaque))
	if publisher == nil {
		p.counts.unknownEvents.Add(1)
		return
	}
	if publisher.report(opaque, failure) {
		p.woken = append(p.woken, publisher)
	}
}

// failure is nil for a record that the brokers have.
func (p *producer) failure(r *librdkafka.Report) *ProduceError {
	outcome := outcomeOf(r.Err, r.Status)
	if outcome == OK {
		return nil
	}
	failure := &ProduceError{Outcome: outcome, Topic: r.Topic(), Reason: r.Err.String()}
	p.losses.add(*failure)
	if r.Err == librdkafka.UnknownTopic || r.Err == librdkafka.UnknownTopicLocal {
		p.topics.doubt(failure.Topic)
	}
	return failure
}

// wake tells the sessions whose answers are complete, once per run of reports.
func (p *producer) wake() {
	for i, publisher := range p.woken {
		publisher.wake()
		p.woken[i] = nil
	}
	p.woken = p.woken[:0]
}

// fail logs an error event; a fatal one replaces the handle. It returns whether the handle is gone.
func (p *producer) fail(handle *librdkafka.Producer, event librdkafka.Event) (gone bool) {
	if !event.Fatal || handle != p.handle.Load() {
		p.voice.failure(p.log, event)
		return false
	}
	p.ends.Lock()
	defer p.ends.Unlock()
	p.log.Error("producer failed for good", "err", event.Text, "replacing", !p.closing)
	if p.closing {
		return false
	}
	p.counts.fatal.Add(1)
	successor, err := librdkafka.NewProducer(p.properties)
	if err != nil {
		p.log.Error("producer not replaced", "err", err)
		return false
	}
	p.handle.Store(successor)
	handle.Retire()
	handle.Purge()
	p.empty(handle, time.Now().Add(5*time.Second))
	p.discard(context.Background(), handle)
	return true
}

// empty reads reports until nothing is pending or the time is over.
func (p *producer) empty(handle *librdkafka.Producer, until time.Time) {
	for handle.Pending() > 0 && time.Now().Before(until) {
		handle.Wait(10 * time.Millisecond)
		p.read(handle)
	}
}

// discard destroys a handle that has nothing left to send. It is done even after ctx has ended.
func (p *producer) discard(ctx context.Context, handle *librdkafka.Producer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := handle.Close(ctx); err != nil {
		p.log.Warn("producer not closed", "err", err)
	}
}

// close ends the producer: what is queued is sent until ctx ends, then given up. Nobody produces
// any more.
func (p *producer) close(ctx context.Context) {
	p.ends.Lock()
	p.closing = true
	handle := p.handle.Load()
	p.ends.Unlock()
	handle.Retire()
	handle.Flush()
	p.await(ctx, handle)
	if handle.Pending() > 0 {
		handle.Purge()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		p.await(short, handle)
		cancel()
	}
	close(p.ending)
	handle.Wake()
	<-p.drained
	p.discard(ctx, handle)
}

// await returns when the drain goroutine has read every report, or with ctx.
func (p *producer) await(ctx context.Context, handle *librdkafka.Producer) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for handle.Pending() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// produceCounts count every record that any session produced, by its end.
type produceCounts struct {
	accepted      atomic.Int64
	ended         [4]atomic.Int64 // by Outcome
	fatal         atomic.Int64
	unknownEvents atomic.Int64
	stopped       atomic.Bool
	before        atomic.Int64 // records that had failed when the client began to stop
}

func (c *produceCounts) stop() {
	if c.stopped.CompareAndSwap(false, true) {
		c.before.Store(c.failed())
	}
}

func (c *produceCounts) failed() int64 {
	return c.ended[Rejected].Load() + c.ended[Retry].Load() + c.ended[Unknown].Load()
}

// undelivered is how many records have failed since stop, or are still without an end.
func (c *produceCounts) undelivered() int64 {
	return c.accepted.Load() - c.ended[OK].Load() - c.before.Load()
}

func (c *produceCounts) end(failure *ProduceError) {
	if failure == nil {
		c.ended[OK].Add(1)
		return
	}
	c.ended[failure.Outcome].Add(1)
}
