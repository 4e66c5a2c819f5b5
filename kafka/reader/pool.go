package reader

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// The bounds of readings. Each that is under way has a consumer of librdkafka of its own, with a thread for
// every broker; those that nobody uses are kept for a while.
const (
	mostReaders    = 8
	readerPatience = 2 * time.Second // for a place
	readerKept     = 30 * time.Second
)

// pool are the consumers that read for those who are in no group.
type pool struct {
	places chan struct{} // one for each that is in use

	mu     sync.Mutex        // guards what follows
	idle   []*pooledConsumer // the one that was used last is the last
	timer  *time.Timer
	closed bool
}

// pooledConsumer is a consumer for readings.
type pooledConsumer struct {
	consumer *librdkafka.Consumer
	cfg      *config.Config // as it was when it was made
	since    time.Time
	spoiled  bool // it is not to be used again
}

func newPool() *pool { return &pool{places: make(chan struct{}, mostReaders)} }

// take finds a consumer that nobody uses, or makes one.
func (rs *Reader) take(ctx context.Context) (*pooledConsumer, error) {
	r := rs.pool
	patience := time.NewTimer(readerPatience)
	defer patience.Stop()
	select {
	case r.places <- struct{}{}:
	case <-patience.C:
		return nil, kerr.ErrTooManyReadings
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-rs.life.Context.Done():
		return nil, kerr.ErrStopping
	}
	cfg := rs.settings.Load()
	p := r.reuse(cfg)
	if p == nil {
		consumer, err := librdkafka.NewConsumer(readerProperties(cfg))
		if err != nil {
			<-r.places
			return nil, err
		}
		p = &pooledConsumer{consumer: consumer, cfg: cfg}
	}
	p.consumer.LimitHeap(rs.bound())
	return p, nil
}

// readerProperties are those of a consumer that is in no group: librdkafka wants a name for one all the same.
func readerProperties(c *config.Config) config.Properties {
	p := c.ConsumerProperties("sluice-readings", nil, 0)
	for _, ofGroups := range []string{"group.instance.id", "group.protocol", "group.remote.assignor"} {
		delete(p, ofGroups)
	}
	p["enable.auto.commit"], p["enable.partition.eof"], p["auto.offset.reset"] = "false", "true", "earliest"
	p["fetch.wait.max.ms"] = "20" // the next reading waits for the end of the last one's fetch
	return p
}

func (r *pool) reuse(cfg *config.Config) *pooledConsumer {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.idle)
	if n == 0 || r.idle[n-1].cfg != cfg {
		return nil // the old ones go when their time is over
	}
	p := r.idle[n-1]
	r.idle = r.idle[:n-1]
	return p
}

// give takes a consumer back that is used no more.
func (r *pool) give(p *pooledConsumer) {
	defer func() { <-r.places }()
	p.since = time.Now()
	if !r.keep(p) {
		p.consumer.Abandon()
	}
}

// keep is false for one that nobody is to use again.
func (r *pool) keep(p *pooledConsumer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || p.spoiled {
		return false
	}
	r.idle = append(r.idle, p)
	if r.timer == nil {
		r.timer = time.AfterFunc(readerKept, r.sweep)
	}
	return true
}

// sweep destroys those that were not used for a while.
func (r *pool) sweep() {
	for _, p := range r.old(time.Now().Add(-readerKept)) {
		p.consumer.Abandon()
	}
}

// old takes those out that were used last before.
func (r *pool) old(before time.Time) (old []*pooledConsumer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.idle) > 0 && !r.idle[0].since.After(before) {
		old, r.idle = append(old, r.idle[0]), r.idle[1:]
	}
	r.timer = nil
	if len(r.idle) > 0 && !r.closed {
		r.timer = time.AfterFunc(time.Until(r.idle[0].since.Add(readerKept)), r.sweep)
	}
	return old
}

// close destroys those that nobody uses; those that somebody uses are not kept.
func (r *pool) close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	idle := r.idle
	r.idle = nil
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	for _, p := range idle {
		p.consumer.Discard(ctx)
	}
}
