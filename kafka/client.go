package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// ErrFull means that a bounded queue has no room right now: the record was not taken, and may be
// tried again shortly.
var ErrFull = errors.New("queue full")

// ErrStopping means that the client is being closed and takes nothing new.
var ErrStopping = errors.New("sluice is stopping")

// Client is the proxy's whole side towards Kafka: the shared producers, the subscriptions and the
// administrative reads. All methods may be called from any goroutine.
type Client struct {
	settings   atomic.Pointer[Config]
	log        *slog.Logger
	ctx        context.Context //nolint:containedctx // the life of the client itself: ends with Close
	end        context.CancelFunc
	work       sync.WaitGroup // look-ups, subscriptions, and the refresh
	producers  []*producer    // one by profile
	delivered  *producer
	buffered   *producer
	publishers publishers
	topics     topics
	produced   producedBooks
	consumed   consumeCounts
	lendings   lendingBooks
	memory     memory
	overview   overview
	limits     limits
	reading    chan struct{} // a place for each reading
	asking     chan struct{} // a place for each census
	envoys     chan struct{} // a place for each envoy
	opened     chan struct{} // a partition was: see watchTopics
	learners   chan struct{} // a place for each subscription that asks what was committed
	readers    *readers
	sought     chan struct{} // tells the discovery of a new subscription with patterns

	plights       atomic.Pointer[plights]
	administrator atomic.Pointer[administrator]
	changes       sync.Mutex // held while the configuration is changed; taken before mu

	mu            sync.Mutex // guards what follows; taken before a subscription's own
	stopping      bool
	discovering   bool // there is a discovery
	subscriptions map[string]*Subscription
	members       map[Identity]*Member
	departed      departures
	rooms         rooms
}

// Open starts a client. Its configuration must be valid; no broker needs to be reachable.
func Open(cfg Config, log *slog.Logger) (*Client, error) {
	librdkafka.BoundArenas(arenas)
	ctx, end := context.WithCancel(context.Background())
	profiles := []string{Delivered, Buffered}
	c := &Client{
		log: log, ctx: ctx, end: end, subscriptions: map[string]*Subscription{}, members: map[Identity]*Member{}, departed: departures{},
		rooms:  rooms{all: map[*Subscription]netip.Prefix{}, waiting: map[Identity]func(){}},
		topics: topics{names: map[string]*topic{}}, produced: newProducedBooks(len(profiles)), lendings: newLendingBooks(),
		reading: make(chan struct{}, mostAsked), asking: make(chan struct{}, censuses), envoys: make(chan struct{}, envoys),
		learners: make(chan struct{}, learners), opened: make(chan struct{}, 1), readers: newReaders(), sought: make(chan struct{}, 1),
	}
	c.apply(&cfg)
	c.administrator.Store(&administrator{brokers: cfg.Brokers, properties: cfg.Properties})
	for _, profile := range profiles {
		p, err := newProducer(profile, c)
		if err != nil {
			end()
			c.closeProducers(ctx)
			return nil, fmt.Errorf("producer profile %s: %w", profile, err)
		}
		c.producers = append(c.producers, p)
	}
	c.delivered, c.buffered = c.producers[0], c.producers[1]
	c.work.Go(func() { c.refresh(ctx) })
	c.work.Go(func() { c.watchTopics(ctx) })
	c.work.Go(func() { c.trim(ctx) })
	return c, nil
}

// config is the configuration as it is now. Nobody changes what it points to.
func (c *Client) config() *Config { return c.settings.Load() }

// apply makes a configuration the present one.
func (c *Client) apply(cfg *Config) {
	c.settings.Store(cfg)
	c.topics.limit.Store(int64(cfg.MaxTopics))
	c.memory.change(nil, func(b *budget) { b.resize(int64(cfg.ConsumeMemory)) })
}

// arenas bounds malloc's arenas for the process; see librdkafka.BoundArenas.
const arenas = 4

// Publisher makes a session's handle on the producers. wake is called, from other goroutines and
// never blocking, when something the session waits for has happened. The session closes the handle.
func (c *Client) Publisher(wake func()) (*Publisher, error) {
	p := &Publisher{client: c, wake: wake, toDeliver: gathering{producer: c.delivered}, toBuffer: gathering{producer: c.buffered}}
	p.threshold.Store(-1)
	return p, c.publishers.add(p)
}

// start runs work that Close waits for; false when Close has begun.
func (c *Client) start(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping {
		c.work.Go(work)
	}
	return !c.stopping
}

// TopicNames lists the topics of the cluster in order, internal ones left out. Its errors are those of
// Topic.
func (c *Client) TopicNames(ctx context.Context) (names []string, err error) {
	err = c.read(ctx, func(ctx context.Context, a *Admin) error {
		names, err = a.TopicNames(ctx)
		return err
	})
	return names, err
}

// Close stops taking records, lets every subscription commit and leave, sends what is queued and
// closes the producers, each until ctx ends. The error says how many records were not delivered since
// Stopping.
func (c *Client) Close(ctx context.Context) error {
	c.Stopping()
	c.beginToStop()
	c.end()
	err := c.waitForWork(ctx)
	c.readers.close(ctx)
	c.closeProducers(ctx)
	c.administrator.Load().close(ctx)
	switch n := c.undelivered(); n {
	case 0:
		return err
	case 1:
		return errors.Join(err, errors.New("1 record was not delivered"))
	default:
		return errors.Join(err, fmt.Errorf("%d records were not delivered", n))
	}
}

// Stopping says that the process is about to end: a record that fails from now on counts as not
// delivered in Close's error.
func (c *Client) Stopping() { c.produced.stop() }

// beginToStop waits for a change of the configuration, and lets none begin any more.
func (c *Client) beginToStop() {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
}

func (c *Client) isStopping() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

func (c *Client) closeProducers(ctx context.Context) {
	for _, p := range c.producers {
		p.close(ctx)
	}
}

// undelivered is how many records have failed since Stopping, or are still without an end.
func (c *Client) undelivered() int64 {
	n := c.produced.undelivered()
	for _, p := range c.producers {
		n += p.held.Load()
	}
	return n
}

func (c *Client) waitForWork(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("not every subscription could leave its group in time")
	}
}
