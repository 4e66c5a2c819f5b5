package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	cfg        Config
	log        *slog.Logger
	ctx        context.Context //nolint:containedctx // the life of the client itself: ends with Close
	end        context.CancelFunc
	work       sync.WaitGroup // look-ups and subscriptions
	producers  map[string]*producer
	publishers publishers
	topics     topics
	produced   produceCounts
	consumed   consumeCounts

	administrator administrator

	mu            sync.Mutex // guards what follows; taken before a subscription's own
	stopping      bool
	subscriptions map[string]*Subscription
	members       map[Identity]*Member
}

// Open starts a client. Its configuration must be valid; no broker needs to be reachable.
func Open(cfg Config, log *slog.Logger) (*Client, error) {
	librdkafka.BoundArenas(arenas)
	ctx, end := context.WithCancel(context.Background())
	c := &Client{
		cfg: cfg, log: log, ctx: ctx, end: end,
		producers: map[string]*producer{}, subscriptions: map[string]*Subscription{}, members: map[Identity]*Member{},
		topics: topics{limit: cfg.MaxTopics, names: map[string]*topic{}},
	}
	profiles := []string{Delivered, Buffered}
	for name := range cfg.Profiles {
		if name != Delivered && name != Buffered {
			profiles = append(profiles, name)
		}
	}
	for _, profile := range profiles {
		p, err := newProducer(profile, c)
		if err != nil {
			end()
			for _, opened := range c.producers {
				opened.close(ctx)
			}
			return nil, fmt.Errorf("producer profile %s: %w", profile, err)
		}
		c.producers[profile] = p
	}
	return c, nil
}

// arenas bounds malloc's arenas for the process; see librdkafka.BoundArenas.
const arenas = 4

// Publisher makes a session's handle on the producers. wake is called, from other goroutines and
// never blocking, when something the session waits for has happened. The session closes the handle.
func (c *Client) Publisher(wake func()) (*Publisher, error) {
	p := &Publisher{client: c, wake: wake}
	p.threshold.Store(-1)
	return p, c.publishers.add(p)
}

// produce takes a record from a session: to librdkafka when its topic is known, else to the gate.
func (c *Client) produce(profile string, topic, key, value []byte, opaque uint64) error {
	t, err := c.topics.find(topic)
	if err != nil {
		return err
	}
	// Count before producing: the report may come before the call returns.
	c.produced.accepted.Add(1)
	if knowledge(t.state.Load()) == known {
		err = c.push(profile, t.name, key, value, opaque)
	} else {
		err = c.hold(t, profile, key, value, opaque)
	}
	if err != nil {
		c.produced.accepted.Add(-1)
	}
	return err
}

// hold keeps a record at the gate while its topic is looked up.
func (c *Client) hold(t *topic, profile string, key, value []byte, opaque uint64) error {
	r := heldRecord{profile: profile, key: clone(key), value: clone(value), opaque: opaque, since: time.Now()}
	released, first, err := t.hold(r)
	switch {
	case err != nil:
		return err
	case released:
		return c.push(profile, t.name, key, value, opaque)
	case first && !c.start(func() { c.lookUp(c.ctx, t) }):
		t.strand(c)
	}
	return nil
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

// clone copies bytes out of a session's buffer, keeping null apart from empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// push hands a record to librdkafka.
func (c *Client) push(profile, topic string, key, value []byte, opaque uint64) error {
	code, err := c.producers[profile].produce(topic, key, value, opaque)
	if err != nil {
		return &ProduceError{Retry, topic, ErrStopping.Error()}
	}
	switch code {
	case librdkafka.None:
		return nil
	case librdkafka.QueueFull:
		return ErrFull
	case librdkafka.UnknownTopicLocal, librdkafka.UnknownTopic:
		c.topics.doubt(topic)
	}
	return &ProduceError{outcomeOf(code, librdkafka.NotPersisted), topic, code.String()}
}

// giveUp ends a record that librdkafka never saw.
func (c *Client) giveUp(opaque uint64, failure *ProduceError) {
	c.produced.end(failure)
	if p := c.publishers.find(publisherOf(opaque)); p != nil && p.report(opaque, failure) {
		p.wake()
	}
}

func asProduceError(err error, topic string) *ProduceError {
	var failure *ProduceError
	if errors.As(err, &failure) {
		return failure
	}
	return &ProduceError{Retry, topic, err.Error()}
}

// TopicNames lists the topics of the cluster in order, internal ones left out.
func (c *Client) TopicNames(ctx context.Context) (names []string, err error) {
	err = c.administrator.use(&c.cfg, func(a *Admin) error {
		names, err = a.TopicNames(ctx)
		return err
	})
	return names, err
}

// Unreachable asks the brokers for their metadata and returns why that failed, nil when it did not.
func (c *Client) Unreachable(ctx context.Context) error {
	return c.administrator.use(&c.cfg, func(a *Admin) error {
		_, err := a.metadata(ctx)
		return err
	})
}

// Close stops taking records, lets every subscription commit and leave, sends what is queued and
// closes the producers, each until ctx ends. The error says how many records were not delivered since
// Stopping.
func (c *Client) Close(ctx context.Context) error {
	c.Stopping()
	c.mu.Lock()
	c.stopping = true
	c.mu.Unlock()
	c.end()
	err := c.waitForWork(ctx)
	for _, p := range c.producers {
		p.close(ctx)
	}
	c.administrator.close(ctx)
	switch n := c.produced.undelivered(); n {
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
