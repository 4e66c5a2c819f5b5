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

// producer is the one librdkafka producer of a profile, shared by all sessions. Another handle replaces its handle
// when that failed for good, and when properties change. Sessions notice only that records in flight of a failed
// handle end as unknown.
type producer struct {
	profile   string
	index     int // among the profiles: its counters in every row
	producers *Producers
	log       *slog.Logger

	handle        atomic.Pointer[librdkafka.Producer] // new records go to it
	handles       handles
	withoutLinger atomic.Bool // linger.ms is 0: clients wait for its records
	refreshing    atomic.Bool // Producers.refreshTopics is at work

	held        atomic.Int64 // records that wait at the gate
	accumulator *accumulator
	splitter    splitter
	queue       queue

	latency    metrics.Histogram
	fatal      atomic.Int64 // handles that failed for good
	statistics statistics
}

// handles are the handle that a producer uses, with earlier handles that still send what they have.
type handles struct {
	mu         sync.Mutex // held while the handle is replaced: guards what follows
	properties config.Properties
	current    *reportLoop
	closing    bool            // no handle is replaced any more
	former     sync.WaitGroup  // handles that end in the background
	grace      context.Context //nolint:containedctx // of former: ends when they must end at once
	endGrace   context.CancelFunc
}

// propertiesNow are the properties of the present handle. Nobody changes them.
func (h *handles) propertiesNow() config.Properties {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.properties
}

// differs tells whether the present handle has other properties.
func (h *handles) differs(properties config.Properties) bool {
	return !maps.Equal(h.propertiesNow(), properties)
}

// replaceable tells whether a report loop's handle is present and may have a successor. The lock is held.
func (h *handles) replaceable(d *reportLoop) bool { return !h.closing && h.current == d }

// retire ends a handle in the background. The lock is held.
func (h *handles) retire(d *reportLoop) { h.former.Go(func() { d.finish(h.grace) }) }

// stop ends replacements, and returns the report loop of the last handle.
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

// install makes a handle the present one, and starts its report loop. The lock of handles is held, except for the
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

// sendsAtOnce tells whether librdkafka would send a record now.
func (p *producer) sendsAtOnce() bool {
	return p.withoutLinger.Load() || p.handle.Load().Underway() == 0
}

// produce hands one record to librdkafka. d is nil for a record without details.
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

// producePacked hands over packed records; see librdkafka.Producer.ProducePacked.
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

// use calls take with the present handle. If the handle was just replaced, use calls take with the successor. The
// successor is stored before the old handle is retired.
func (p *producer) use(take func(*librdkafka.Producer) error) error {
	for {
		handle := p.handle.Load()
		if err := take(handle); !errors.Is(err, librdkafka.ErrClosed) || handle == p.handle.Load() {
			return err
		}
	}
}

// reconfigure makes a handle with other properties the present one. The old handle sends what it has in the
// background. So records from before and after may reach the brokers in another order. The client is not being closed.
func (p *producer) reconfigure(handle *librdkafka.Producer, properties config.Properties) {
	p.exchangeHandle(handle, properties)
	p.splitter.renew()
}

// exchangeHandle installs a handle, and retires the present one.
func (p *producer) exchangeHandle(handle *librdkafka.Producer, properties config.Properties) {
	p.handles.mu.Lock()
	defer p.handles.mu.Unlock()
	old := p.handles.current
	p.handles.properties = properties
	p.install(handle)
	p.handles.retire(old)
}

// replaceOutOfEpochs gives a handle a successor with the same properties, if it is still the present one.
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

// replace gives a handle that failed for good a successor. It returns false if the handle is not replaceable.
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

// close ends the producer. What is queued is sent until ctx ends, and then given up. Nobody produces any more.
func (p *producer) close(ctx context.Context) {
	last := p.handles.stop()
	stop := context.AfterFunc(ctx, p.handles.endGrace)
	defer stop()
	p.accumulator.finish(ctx)
	last.finish(ctx)
	p.handles.former.Wait()
	p.splitter.finish(ctx)
	p.accumulator.drain(true) // the handles are retired, so that all that is left ends
	p.handles.endGrace()
}

// discard destroys a handle that has nothing left to send, even after ctx has ended.
func discard(ctx context.Context, handle *librdkafka.Producer, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer cancel()
	if err := handle.Close(ctx); err != nil {
		log.Warn("producer not closed", "err", err)
	}
}

// discardTime bounds the destruction of a handle, because librdkafka does not.
const discardTime = 5 * time.Second

// maxBatchedRecord is the bytes of the largest record that may join a batch. librdkafka never refuses a smaller record
// for its size.
func maxBatchedRecord(p config.Properties) int64 {
	largest, err := strconv.ParseInt(p["message.max.bytes"], 10, 64)
	if err != nil {
		return sessionBatchBytes
	}
	return min(sessionBatchBytes, largest/2)
}

// hasNoLinger tells whether the properties have librdkafka send records at once.
func hasNoLinger(p config.Properties) bool {
	linger, err := strconv.ParseFloat(p["linger.ms"], 64)
	return err == nil && linger == 0
}
