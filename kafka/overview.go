package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// overview is what the client's refresh loop last learned from the brokers.
type overview struct {
	mu     sync.Mutex // guards what follows
	broken error      // why no broker answered the last question; nil when one did
	asked  bool       // there was a question
	lags   []PartitionLag
	asOf   time.Time // when lags were read; zero for never
	groups map[string]groupProgress
}

const (
	refreshTick = 500 * time.Millisecond
	// askTime bounds one question to the brokers, refreshGap one round between two beats.
	askTime    = 3 * time.Second
	refreshGap = askTime + 2*time.Second
	// A broker that answered is asked again after reachInterval, one that did not after reachRetry.
	reachInterval = 3 * time.Second
	reachRetry    = time.Second
)

// ErrNotAsked is what Reach says in the first moments.
var ErrNotAsked = errors.New("no broker was asked yet")

// Reach is nil when a broker answered lately, else why none did. It does not ask: the client does so by
// itself every few seconds.
func (c *Client) Reach() error {
	o := &c.overview
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.asked {
		return ErrNotAsked
	}
	return o.broken
}

// refresh keeps the overview for as long as the client lives.
func (c *Client) refresh(ctx context.Context) {
	beat, end := c.config().register("lag", refreshGap)
	defer end()
	r := refresher{client: c, beat: beat, lows: map[TopicPartition]low{}}
	tick := time.NewTicker(refreshTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		beat()
		r.round(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// refresher is the state of the refresh loop.
type refresher struct {
	client  *Client
	beat    func()
	reachAt time.Time // when to ask whether anybody answers
	lagAt   time.Time // when to read the lag
	lows    map[TopicPartition]low

	counts    map[string]int // partitions, by topic
	countedAt time.Time
}

// round asks what is due. Without a broker that answers there is nothing else to ask.
func (r *refresher) round(ctx context.Context) {
	if !time.Now().Before(r.reachAt) {
		r.reach(ctx)
	}
	if r.client.Reach() != nil || time.Now().Before(r.lagAt) || ctx.Err() != nil {
		return
	}
	r.lagAt = time.Now().Add(r.client.config().LagInterval)
	r.refreshLag(ctx)
}

func (r *refresher) reach(ctx context.Context) {
	err := r.ask(ctx, func(ctx context.Context, a *Admin) error { return a.reach(ctx) })
	if ctx.Err() != nil {
		return
	}
	r.reached(err)
}

// reached notes whether a question was answered, and plans the next.
func (r *refresher) reached(err error) {
	pause := reachInterval
	if err != nil {
		pause = reachRetry
	}
	r.reachAt = time.Now().Add(pause)
	o := &r.client.overview
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked, o.broken = true, err
}

// ask puts one question, in bounded time.
func (r *refresher) ask(ctx context.Context, question func(context.Context, *Admin) error) error {
	r.beat()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	err := r.client.ask(func(a *Admin) error { return question(ctx, a) })
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer within " + askTime.String())
	}
	return err
}

// reach asks any broker something cheap that needs no rights: of the topic, only that there is an answer
// matters. DescribeCluster would be the obvious question, but librdkafka ends the process when a broker
// that has only just come back answers it with an empty list.
func (a *Admin) reach(ctx context.Context) error {
	_, err := a.exists(ctx, "__consumer_offsets")
	return err
}

// requestTimeout lets librdkafka give a request up when its caller does, instead of a minute later.
func requestTimeout(ctx context.Context) binding.AdminOptionRequestTimeout {
	return binding.SetAdminRequestTimeout(time.Duration(millisLeft(ctx)) * time.Millisecond)
}
