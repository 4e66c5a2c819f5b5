package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// clusterState is what the client's refresh loop last learned from the brokers.
type clusterState struct {
	mu     sync.Mutex // guards what follows
	broken error      // why no broker answered the last question; nil when one did
	heard  []Heard    // of every broker of the cluster
	asked  bool       // there was a question
	lags   []PartitionLag
	asOf   time.Time // when lags were read; zero for never
	groups map[string]groupProgress
}

const (
	refreshTick = 500 * time.Millisecond
	// QuestionTime bounds one question to the brokers.
	QuestionTime = 3 * time.Second
	// RefreshGap bounds one round of the loop between two beats.
	RefreshGap = QuestionTime + 2*time.Second
	// pingInterval is the time to the next ping of a broker that answered.
	pingInterval = 3 * time.Second
	// PingRetry is the time to the next ping of a broker that did not answer.
	PingRetry = time.Second
)

// Reach is nil when a broker answered lately, else why none did. It does not ask: the client does so by
// itself every few seconds.
func (c *Cluster) Reach() error {
	o := &c.state
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.asked {
		return kerr.ErrNotAsked
	}
	return o.broken
}

// Unreachable is why no broker answers, a kerr.ErrNoAnswer; nil when one does, or when none was asked yet.
func (c *Cluster) Unreachable() error {
	err := c.Reach()
	if err == nil || errors.Is(err, kerr.ErrNotAsked) {
		return nil
	}
	return kerr.Asked(err)
}

// Doubt has the brokers asked whether they answer, and not only when it is time: somebody waits for them.
func (c *Cluster) Doubt() { c.doubted.Store(true) }

// Heard is a broker of the cluster, and whether it has not answered for a while.
type Heard struct {
	Broker
	Silent bool
}

// Heard are the brokers of the cluster, by number, as of the last question. It does not ask either.
func (c *Cluster) Heard() []Heard {
	o := &c.state
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.heard
}

// Silent are the brokers of the cluster that have not answered for a while.
func (c *Cluster) Silent() []Broker { return SilentOf(c.Heard()) }

// SilentOf are those brokers that have not answered for a while.
func SilentOf(heard []Heard) []Broker {
	var silent []Broker
	for _, h := range heard {
		if h.Silent {
			silent = append(silent, h.Broker)
		}
	}
	return silent
}

// refresh keeps the state for as long as the client lives.
func (c *Cluster) refresh(ctx context.Context) {
	beat, end := c.config().Watch("lag", RefreshGap)
	defer end()
	r := refresher{cluster: c, beat: beat, lows: map[record.TopicPartition]low{}}
	tick := time.NewTicker(refreshTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		beat()
		r.tick(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// refresher is the state of the refresh loop.
type refresher struct {
	cluster *Cluster
	beat    func()
	pingAt  time.Time // when to ask whether anybody answers
	lagAt   time.Time // when to read the lag
	lows    map[record.TopicPartition]low

	counts    map[string]int // partitions, by topic
	countedAt time.Time
}

// tick asks what is due. Without a broker that answers there is nothing else to ask.
func (r *refresher) tick(ctx context.Context) {
	if r.cluster.doubted.Swap(false) || !time.Now().Before(r.pingAt) {
		r.ping(ctx)
	}
	if r.cluster.Reach() != nil || time.Now().Before(r.lagAt) || ctx.Err() != nil {
		return
	}
	r.lagAt = time.Now().Add(r.cluster.config().Consume.LagInterval)
	r.refreshLag(ctx)
}

func (r *refresher) ping(ctx context.Context) {
	var heard []Heard
	err := r.ask(ctx, func(ctx context.Context, a *Admin) error {
		if r.cluster.Reach() != nil && a.greet(ctx) {
			r.pinged(nil, a.roster.heardOf(time.Now())) // at once: the brokers that are asked now may be silent
		}
		err := a.pingBrokers(ctx)
		heard = a.roster.heardOf(time.Now())
		return err
	})
	if ctx.Err() != nil {
		return
	}
	r.pinged(err, heard)
	r.cluster.engine.Asked(ctx, r.ask, heard, err)
}

// pinged notes whether a question was answered, and by whom, and plans the next.
func (r *refresher) pinged(err error, heard []Heard) {
	pause := pingInterval
	if err != nil {
		pause = PingRetry
	}
	r.pingAt = time.Now().Add(pause)
	o := &r.cluster.state
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked, o.broken, o.heard = true, err, heard
}

// ask puts one question, in bounded time.
func (r *refresher) ask(ctx context.Context, question func(context.Context, *Admin) error) error {
	r.beat()
	ctx, cancel := context.WithTimeout(ctx, QuestionTime)
	defer cancel()
	err := r.cluster.Ask(func(a *Admin) error { return question(ctx, a) })
	if errors.Is(err, context.DeadlineExceeded) && kerr.Reason(err) == kerr.Reason(context.DeadlineExceeded) {
		return errors.New("no answer within " + QuestionTime.String())
	}
	return err
}

// greet asks any broker for the others.
func (a *Admin) greet(ctx context.Context) (answered bool) {
	ctx, cancel := context.WithTimeout(ctx, TurnTime)
	defer cancel()
	_, err := a.metadata(ctx, false)
	return err == nil
}

// pingBrokers asks every broker something cheap that needs no rights, all at once: of the topic, only that there is an
// answer matters. It is nil when one answered. DescribeCluster would be the obvious question, but librdkafka ends the
// process when a broker that has only just come back answers it with an empty list.
func (a *Admin) pingBrokers(ctx context.Context) error {
	turn, cancel := context.WithTimeout(ctx, TurnTime)
	defer cancel()
	_, err := a.metadata(turn, false)
	brokers := a.roster.all()
	if len(brokers) == 0 {
		return err
	}
	answers := make(chan error)
	for _, b := range brokers {
		go func() {
			_, err := a.handle.Topics(ctx, b.ID, []string{"__consumer_offsets"}, TurnTime)
			if ctx.Err() == nil {
				a.roster.heard(b.ID, !kerr.Unanswered(err), time.Now())
			}
			answers <- err
		}()
	}
	for range brokers {
		if answer := <-answers; !kerr.Unanswered(answer) {
			err = answer
		}
	}
	return err
}

// requestTimeout lets librdkafka give a request up before its caller does: what other brokers have answered is told then,
// and not lost with the one that is silent. librdkafka looks for requests whose time is over once a second
// (rd_kafka_broker_serve, rkb_timeout_scan_intvl), so it has a little more than that where there is time.
func requestTimeout(ctx context.Context) binding.AdminOptionRequestTimeout {
	left := timeLeft(ctx)
	return binding.SetAdminRequestTimeout(max(time.Millisecond, left-min(left/3, scanTime)))
}

const scanTime = 1200 * time.Millisecond
