package producer

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/metrics"
)

// producer is the one librdkafka producer of a profile, shared by all sessions. Its handle is replaced
// when it failed for good and when its properties change; sessions do not notice, but for the records
// that a failed one had in flight.
type producer struct {
	profile   string
	index     int // among the profiles: its counters in every row
	producers *Producers
	log       *slog.Logger

	handle        atomic.Pointer[librdkafka.Producer] // new records go to it
	handles       handles
	withoutLinger atomic.Bool // it does not linger: somebody waits for its records
	refreshing    atomic.Bool // a goroutine is at it: see Producers.refreshTopics

	held        atomic.Int64 // records that wait at the gate
	accumulator *accumulator
	splitter    splitter
	queue       queue

	latency    metrics.Histogram
	fatal      atomic.Int64 // handles that failed for good
	statistics statistics
}

// handles are the handle that a producer uses, and those before it, which still send what they have.
type handles struct {
	mu         sync.Mutex // held while the handle is replaced: guards what follows
	properties config.Properties
	current    *reportLoop
	closing    bool            // no handle is replaced any more
	former     sync.WaitGroup  // handles that come to their end, in the background
	grace      context.Context //nolint:containedctx // with that wait: ends when they must end at once
	endGrace   context.CancelFunc
}

// propertiesNow are those of the present handle. Nobody changes them.
func (h *handles) propertiesNow() config.Properties {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.properties
}

// differs tells whether the properties are not those of the present handle.
func (h *handles) differs(properties config.Properties) bool {
	return !maps.Equal(h.propertiesNow(), properties)
}

// replaceable tells whether a report loop's handle is the present one and may have a successor. The lock is held.
func (h *handles) replaceable(d *reportLoop) bool { return !h.closing && h.current == d }

// retire ends a handle in the background. The lock is held.
func (h *handles) retire(d *reportLoop) { h.former.Go(func() { d.finish(h.grace) }) }

// stop lets no handle be replaced any more, and returns the last one's report loop.
func (h *handles) stop() (last *reportLoop) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = true
	return h.current
}

func newProducer(profile string, ps *Producers) (*producer, error) {
	p := &producer{
		profile: profile, index: len(ps.all), producers: ps, log: ps.log.With("profile", profile),
		handles: handles{properties: ps.config().ProducerProperties(profile)},
	}
	p.accumulator = newAccumulator(p, profile == config.Delivered)
	p.splitter.producer = p
	handle, err := librdkafka.NewProducer(p.handles.properties)
	if err != nil {
		return nil, err
	}
	p.handles.grace, p.handles.endGrace = context.WithCancel(context.Background())
	p.install(handle)
	return p, nil
}

// install makes a handle the present one and begins to read its events. The lock of the handles is held, but for the
// first.
func (p *producer) install(handle *librdkafka.Producer) {
	d, properties := newReportLoop(p, handle), p.handles.properties
	p.handles.current = d
	p.statistics.restart(d)
	p.accumulator.maxRecord.Store(maxBatchedRecord(properties))
	p.withoutLinger.Store(hasNoLinger(properties))
	p.queue.bounds.Store(queueBounds(properties))
	p.handle.Store(handle)
	go d.run()
}

// hastens tells whether a record that is handed over now is sent at once.
func (p *producer) sendsAtOnce() bool {
	return p.withoutLinger.Load() || p.handle.Load().Underway() == 0
}

// produce hands one record to librdkafka, its details nil when it has none.
func (p *producer) produce(topic string, key, value []byte, opaque uint64, d *librdkafka.Details) (code librdkafka.Code, err error) {
	if b := p.splitter.batchingFor(topic); b != whole {
		_, code, err = p.splitter.producePacked(topic, librdkafka.PackRecord(nil, key, value, opaque, d), b)
		return code, err
	}
	err = p.use(func(handle *librdkafka.Producer) (err error) {
		if d == nil {
			code, err = handle.Produce(topic, key, value, opaque)
		} else {
			code, err = handle.ProduceDetailed(topic, key, value, opaque, d)
		}
		return err
	})
	return code, err
}

// producePacked hands over many; see librdkafka.Producer.ProducePacked.
func (p *producer) producePacked(topic string, packed []byte) (taken int, code librdkafka.Code, err error) {
	if b := p.splitter.batchingFor(topic); b != whole {
		return p.splitter.producePacked(topic, packed, b)
	}
	err = p.use(func(handle *librdkafka.Producer) (err error) {
		taken, code, err = handle.ProducePacked(topic, packed)
		return err
	})
	return taken, code, err
}

// use has a handle take records, and its successor when it was being replaced: that is stored before the handle
// is retired.
func (p *producer) use(take func(*librdkafka.Producer) error) error {
	for {
		handle := p.handle.Load()
		if err := take(handle); !errors.Is(err, librdkafka.ErrClosed) || handle == p.handle.Load() {
			return err
		}
	}
}

// succeed makes a handle with other properties the present one. What its predecessor has is sent in
// the background, so records produced before and after may reach the brokers in another order. The
// client is not being closed.
func (p *producer) reconfigure(handle *librdkafka.Producer, properties config.Properties) {
	p.exchangeHandle(handle, properties)
	p.splitter.renew()
}

func (p *producer) exchangeHandle(handle *librdkafka.Producer, properties config.Properties) {
	p.handles.mu.Lock()
	defer p.handles.mu.Unlock()
	old := p.handles.current
	p.handles.properties = properties
	p.install(handle)
	p.handles.retire(old)
}

// supersede gives the profile a new handle with the same properties, unless the report loop's is not the present one.
func (p *producer) replaceOutOfEpochs(d *reportLoop) {
	p.handles.mu.Lock()
	defer p.handles.mu.Unlock()
	if !p.handles.replaceable(d) {
		return
	}
	successor, err := librdkafka.NewProducer(p.handles.properties)
	if err != nil {
		p.log.Error("producer not superseded", "err", err)
		return
	}
	p.install(successor)
	p.handles.retire(d)
}

// replace gives the profile a new handle because the report loop's has failed for good. It returns false when
// that is not the present one, or cannot be replaced.
func (p *producer) replace(d *reportLoop) bool {
	p.handles.mu.Lock()
	defer p.handles.mu.Unlock()
	if !p.handles.replaceable(d) {
		return false
	}
	p.fatal.Add(1)
	successor, err := librdkafka.NewProducer(p.handles.properties)
	if err != nil {
		p.log.Error("producer not replaced", "err", err)
		return false
	}
	p.handles.former.Add(1)
	p.install(successor)
	return true
}

// close ends the producer: what is queued is sent until ctx ends, then given up. Nobody produces
// any more.
func (p *producer) close(ctx context.Context) {
	last := p.handles.stop()
	stop := context.AfterFunc(ctx, p.handles.endGrace)
	defer stop()
	p.accumulator.finish(ctx)
	last.finish(ctx)
	p.handles.former.Wait()
	p.splitter.finish(ctx)
	p.accumulator.drain(true) // the handles are retired: what is still there ends
	p.handles.endGrace()
}

// discard destroys a handle that has nothing left to send. It is done even after ctx has ended.
func discard(ctx context.Context, handle *librdkafka.Producer, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer cancel()
	if err := handle.Close(ctx); err != nil {
		log.Warn("producer not closed", "err", err)
	}
}

// discardTime bounds the end of a handle: librdkafka's own has no bound.
const discardTime = 5 * time.Second

// largestBatched is the size of the largest record, in bytes, that may be gathered with others: librdkafka is sure to
// take it.
func maxBatchedRecord(p config.Properties) int64 {
	largest, err := strconv.ParseInt(p["message.max.bytes"], 10, 64)
	if err != nil {
		return sessionBatchBytes
	}
	return min(sessionBatchBytes, largest/2)
}

// prompt tells whether records are to leave at once.
func hasNoLinger(p config.Properties) bool {
	linger, err := strconv.ParseFloat(p["linger.ms"], 64)
	return err == nil && linger == 0
}
