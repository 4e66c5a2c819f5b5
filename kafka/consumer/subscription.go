package consumer

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/budget"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// Subscription is one librdkafka consumer of the proxy, for a group, its topics and what overrides
// them, and the goroutine that polls it. Members share it: they come and go without Kafka noticing.
type Subscription struct {
	key    string
	group  string
	topics []string
	groups *Groups
	cfg    *config.Config // as it was when the subscription was opened
	log    *slog.Logger

	interest   *topicset.Set
	reset      string            // auto.offset.reset
	properties map[string]string // of its consumers
	manual     bool              // its partitions are its only member's choice: see choose
	gone       chan struct{}     // closed when it has ended

	// Owned by the run goroutine.
	consumer   *librdkafka.Consumer
	partitions map[record.TopicPartition]*partition
	fetched    []librdkafka.Message
	revoking   *revocation
	stored     time.Time
	claimant   *budget.Subscription // its part of the budget for memory
	appetite   appetite
	looked     time.Time // at what its partitions hold
	ticked     time.Time
	surveyed   bool // it was asked where the partitions end, or need not be
	refused    bool // see refuses
	clientLog  librdkafka.LogLimiter
	ticket     uint64                          // of the last commit that was begun
	unlearned  bool                            // it is not known what was committed of a partition: see learn
	learning   bool                            // that is being asked
	learnAt    time.Time                       // and not before this
	watching   bool                            // what some logs hold is being asked: see watch
	watched    time.Time                       // when it was looked whether that must be
	logs       map[string]*topicLog            // by topic
	past       map[record.TopicPartition]*past // of partitions that were assigned once
	down       descent                         // see commitDown
	commits    map[uint64]chan<- error         // who waits for one, by its ticket

	nudged, nudgeUntil time.Time // see nudge
	warnedAt           time.Time // see warnOfStanding

	kicked atomic.Bool // the run goroutine was told that a partition is low

	mu         sync.Mutex // guards what follows
	dispatch   *ledger.Dispatch
	leases     map[rowKey]*ledger.LeaseCounts
	used       time.Time                                  // when a member was last here
	absence    time.Duration                              // the longest that none was, before one came
	unreadable map[record.TopicPartition]*UnreadableError // batches that keep partitions from going on
	trouble    error                                      // why nothing may come: missing rights, a failed consumer
	evicted    bool                                       // others need its place
	failed     bool                                       // the consumer is beyond repair; the next Join makes another
	assigned   bool                                       // partitions were assigned, perhaps none
	commands   []func()                                   // for the run goroutine
	ended      bool                                       // it takes no more
}

// partition is where a partition's records come from. Its fields but inDispatch are owned by the run goroutine.
type partition struct {
	inDispatch *ledger.Partition // the subscription's mu guards it
	queue      *librdkafka.Queue
	memory     memoryShare
	log        logStart
	commit     commitState
	earlier    earlierAssignment
}

// revocation is a set of partitions that Kafka takes away, waiting for what is owed of them.
type revocation struct {
	partitions []librdkafka.Partition
	deadline   time.Time
}

const (
	storeInterval = 100 * time.Millisecond // how often settled offsets go to librdkafka
	tick          = storeInterval          // longest time between two looks at the clock

	// subscriptionGap bounds one round of a subscription: nothing in it waits for a broker.
	subscriptionGap = 3 * time.Second
)

// startSubscription creates the consumer and joins the group in the background.
func (g *Groups) startSubscription(key, group string, in SubscribeOptions, set *topicset.Set) (*Subscription, error) {
	cfg := g.config()
	properties := cfg.SubscriptionProperties(key, group, in.Overrides, len(g.subscriptions))
	reset := strings.ToLower(properties["auto.offset.reset"])
	if _, known := resets[reset]; !known { // sluice sees itself what is out of range, and stops there: see outOfRange
		properties["auto.offset.reset"] = "earliest"
	}
	consumer, err := librdkafka.NewConsumer(properties)
	if err != nil {
		return nil, err
	}
	topics := slices.Compact(slices.Sorted(slices.Values(in.Topics)))
	if !in.manual() && len(set.Literal()) > 0 { // what patterns match comes later
		if err := consumer.Subscribe(set.Literal()); err != nil {
			consumer.Abandon()
			return nil, err
		}
	}
	s := &Subscription{
		key: key, group: group, topics: topics, groups: g, cfg: cfg, log: g.log.With("group", group),
		consumer: consumer, partitions: map[record.TopicPartition]*partition{}, commits: map[uint64]chan<- error{}, logs: map[string]*topicLog{}, past: map[record.TopicPartition]*past{},
		used: g.departed.since(key, time.Now()), interest: set, gone: make(chan struct{}), manual: in.manual(), reset: reset,
		properties: properties, dispatch: ledger.NewDispatch(cfg.WindowRecords, cfg.WindowBytes), leases: map[rowKey]*ledger.LeaseCounts{},
		appetite: appetiteOf(properties),
	}
	s.claimant = g.memory.enter(s.kick)
	g.leases.opened(s)
	if !g.life.Go(func() { s.run(g.life.Context) }) {
		g.memory.leave(s.claimant)
		g.leases.closed(s)
		consumer.Abandon()
		return nil, kerr.ErrStopping
	}
	s.log.Info("subscription opened", "topics", topics)
	return s, nil
}

// run polls until the client ends or nobody has been here for the linger time.
func (s *Subscription) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.consumer.Wake)
	defer stop()
	beat, end := s.cfg.Watch("subscription:"+s.group, subscriptionGap)
	for ctx.Err() == nil {
		beat()
		s.consumer.Wait(tick)
		s.kicked.Store(false)
		now := time.Now()
		s.readEvents(now)
		s.runCommands()
		s.learn(now)
		s.fetchAll(now)
		s.balanceMemory(now)
		s.watch(now)
		s.renewStuck(ctx, now)
		s.serveRevocation(now, false)
		s.storeAll(now)
		s.nudge(now)
		s.warnOfStanding(now)
		if s.deserted(now) {
			break
		}
	}
	stop()
	end()
	s.close(ctx)
}

// kick makes the run goroutine look at once. It costs a system call only when it was not told yet.
func (s *Subscription) kick() {
	if s.kicked.CompareAndSwap(false, true) {
		s.consumer.Wake()
	}
}

// readEvents takes what the group reports.
func (s *Subscription) readEvents(now time.Time) {
	for {
		event := s.consumer.Poll()
		switch event.Kind {
		case librdkafka.Nothing:
			return
		case librdkafka.Assign:
			s.assign(event.Partitions)
		case librdkafka.Revoke:
			s.revoke(event.Partitions, now)
		case librdkafka.Committed:
			s.committed(event)
		case librdkafka.Failure:
			s.failure(event)
		case librdkafka.Log:
			s.clientLog.Log(s.log, event)
		}
	}
}

func (s *Subscription) committed(event librdkafka.Event) {
	s.answer(event)
	if event.Code != librdkafka.None && event.Code != librdkafka.NoOffset {
		s.groups.consumed.commitErrors.Add(1)
		if s.clientLog.Admits("commit: " + event.Code.String()) { // else once a second, as long as it lasts
			s.log.Warn("offsets not committed", "err", event.Code.String())
		}
	}
}

// failure notes what members should know: rights that are missing, a consumer that is beyond repair.
func (s *Subscription) failure(event librdkafka.Event) {
	if event.Code == librdkafka.NoGroup && s.manual {
		s.resetPartitions()
		return
	}
	s.clientLog.LogFailure(s.log, event)
	told := kerr.Of(event.Code).Consume == kerr.ErrDenied //nolint:errorlint // the table holds the error itself
	if !event.Fatal && !told {
		return
	}
	s.tell(&librdkafka.Error{Code: event.Code, Text: event.Text}, event.Fatal)
}

// tell tells members why nothing may come.
func (s *Subscription) tell(trouble error, fatal bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = trouble
	s.failed = s.failed || fatal
	s.dispatch.WakeAll()
}

// beyondRepair tells whether the consumer failed for good: who joins gets another one.
func (s *Subscription) beyondRepair() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// fetchAll moves records from librdkafka to the partitions that are low, and calls members for them.
func (s *Subscription) fetchAll(now time.Time) {
	for _, f := range s.partitions {
		s.fetchIfLow(f)
	}
	ahead := s.groups.ahead()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.Feed(ahead)
	s.dispatch.Wake(now)
}

func (s *Subscription) fetchIfLow(f *partition) {
	s.mu.Lock()
	want := s.dispatch.Wants(f.inDispatch)
	s.mu.Unlock()
	if want > 0 && f.queue != nil && !s.waits(f) {
		s.fetch(f, want)
	}
}

// fetch moves up to want records from librdkafka to the partition.
func (s *Subscription) fetch(f *partition, want int) {
	s.mu.Lock()
	room := s.dispatch.RoomInBytes(f.inDispatch)
	s.mu.Unlock()
	var left int
	var failed []librdkafka.PartitionError
	s.fetched, left = f.queue.Fetch(s.fetched[:0], want, room, func(failing librdkafka.PartitionError) {
		failed = append(failed, failing)
	})
	s.enter(f, left)
	clear(s.fetched)
	for _, failing := range failed { // what came before them is there to be taken
		s.fail(f, failing)
	}
}

// enter takes what was fetched into the partition's ledger, run by run. left is how many librdkafka still holds of it.
func (s *Subscription) enter(f *partition, left int) {
	for rest := s.fetched; len(rest) > 0; {
		s.follow(f, rest[0].Offset)
		if f.log.halted {
			return
		}
		n := s.unbroken(f, rest)
		s.take(f, rest[:n])
		rest = rest[n:]
	}
	f.took(s.fetched)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.inDispatch.SetMore(left > 0)
}

// take enters records that follow each other, at least one.
func (s *Subscription) take(f *partition, fetched []librdkafka.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range fetched {
		m := &fetched[i]
		r := record.Record{
			TopicPartition: f.inDispatch.TopicPartition,
			Offset:         m.Offset, Timestamp: m.Timestamp, Key: m.Key, Value: m.Value, Headers: m.Headers,
		}
		if f.inDispatch.Ledger().Append(r) {
			s.groups.consumed.fetched.Add(1)
		}
	}
	if s.trouble != nil && !s.halting() {
		s.trouble = nil
	}
	s.stepped(f.inDispatch.TopicPartition, fetched[len(fetched)-1].Offset)
}

// restart begins the partition's book again, at an offset or, below 0, wherever its next record is. What is owed of it
// is taken back. The subscription's mu is held.
func (f *partition) restart(next int64) {
	next = max(-1, next)
	f.inDispatch.Restart()
	f.log, f.commit = logFrom(next), f.commit.restarted()
	f.earlier.past, f.memory.resumeAt = nil, next
}
