package consumer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// subscription is one librdkafka consumer, for a group, its topics and the properties that a client overrides. One
// goroutine polls the consumer. Members share the subscription: Kafka does not notice that they come and go.
type subscription struct {
	description
	groups   *Groups
	log      *slog.Logger
	gone     chan struct{} // closed when the subscription has ended
	consumer client
	woken    atomic.Bool // the run goroutine was told to start its next round at once
	hurries  atomic.Bool // a regular commit is to come soon: see commitSoon
	runState
	sharedState
}

// description says what a subscription is for. It never changes.
type description struct {
	key        string // of the subscription in Groups.subscriptions
	group      string
	topics     []string // names and patterns, in order
	topicSet   *topicset.Set
	manual     bool              // the only member chooses the partitions: see Member.Assign
	cfg        *config.Config    // the configuration when the subscription was opened
	properties map[string]string // of the librdkafka consumer
	reset      string            // auto.offset.reset
	failed     *failureCounts    // of the group
}

// runState is what the run goroutine alone reads and writes.
type runState struct {
	partitions       map[record.TopicPartition]*partition
	fetched          []librdkafka.Message // buffer of the last batch, to be used again
	revoking         *revocation
	commits          commits
	committedQuery   committedQuery
	logCheck         logCheck
	history          history
	memory           subscriptionMemory
	heartbeats       promptedHeartbeats
	standingLookedAt time.Time
	stopsLookedAt    time.Time
	letterTopics     map[string]*letterTopic // by topic
}

// sharedState is what members and the run goroutine share.
type sharedState struct {
	mu        sync.Mutex // guards the other fields; taken after the mutex of Groups
	dispatch  *ledger.Dispatch
	leases    map[rowKey]*ledger.LeaseCounts
	presence  presence
	assigned  bool // Kafka has assigned partitions, perhaps none
	obstacles obstacles
	commands  commands
	failing   failing
}

const (
	tick = 100 * time.Millisecond // longest time between two rounds of the run goroutine

	// subscriptionGap bounds one round of the run goroutine. Nothing in a round waits for a broker.
	subscriptionGap = 3 * time.Second
)

// propertiesError is librdkafka's sentence about properties that do not fit together.
type propertiesError struct{ error }

// Is makes it a kerr.ErrProperties.
func (propertiesError) Is(target error) bool { return target == kerr.ErrProperties }

// startSubscription creates a consumer, which joins its group in the background.
func (g *Groups) startSubscription(key, group string, in SubscribeOptions, order ledger.Order, set *topicset.Set) (*subscription, error) {
	cfg := g.config()
	properties := cfg.SubscriptionProperties(key, group, in.Overrides, len(g.subscriptions))
	reset := strings.ToLower(properties["auto.offset.reset"])
	if _, known := resets[reset]; !known { // sluice itself sees what is out of range, and halts the partition: see outOfRange
		properties["auto.offset.reset"] = "earliest"
	}
	consumer, err := librdkafka.NewConsumer(properties)
	if failed, is := errors.AsType[*librdkafka.Error](err); is && failed.Code == librdkafka.InvalidArgument {
		return nil, propertiesError{err}
	}
	if err != nil {
		return nil, err
	}
	topics := slices.Compact(slices.Sorted(slices.Values(in.Topics)))
	if !in.manual() && len(set.Literal()) > 0 { // discovery adds the topics that match patterns
		if err := consumer.Subscribe(set.Literal()); err != nil {
			consumer.Abandon()
			return nil, err
		}
	}
	log := g.log.With("group", group)
	s := &subscription{
		description: description{
			key: key, group: group, topics: topics, topicSet: set, manual: in.manual(), cfg: cfg, properties: properties, reset: reset,
			failed: g.leases.failuresOf(group),
		},
		groups: g, log: log, gone: make(chan struct{}), consumer: client{Consumer: consumer, log: log},
		runState: runState{
			partitions: map[record.TopicPartition]*partition{}, commits: newCommits(), history: newHistory(),
			memory: subscriptionMemory{threshold: thresholdOf(properties)}, letterTopics: map[string]*letterTopic{},
		},
		sharedState: sharedState{
			dispatch: ledger.NewDispatch(order, cfg.Consume.WindowRecords, cfg.Consume.WindowBytes), leases: map[rowKey]*ledger.LeaseCounts{},
			presence: presence{lastUsed: g.departed.since(key, time.Now())},
			failing:  failing{settings: cfg, topics: map[string]*topicRules{}, bounded: map[string]*topicRules{}, letters: map[letterKey]*letter{}, stops: map[record.TopicPartition]*stop{}},
		},
	}
	s.memory.inBudget = g.memory.enter(s.wake)
	g.leases.opened(s)
	if !g.life.Go(func() { s.run(g.life.Context) }) {
		g.memory.leave(s.memory.inBudget)
		g.leases.closed(s)
		consumer.Abandon()
		return nil, kerr.ErrStopping
	}
	s.log.Info("subscription opened", "topics", topics)
	return s, nil
}

// run polls the consumer until the client ends, or until the subscription had no members for the linger time.
func (s *subscription) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.consumer.Wake)
	defer stop()
	beat, end := s.cfg.Watch("subscription:"+s.group, subscriptionGap)
	for ctx.Err() == nil {
		beat()
		s.consumer.Wait(min(s.rest(time.Now()), s.untilDue(time.Now())))
		s.woken.Store(false)
		now := time.Now()
		s.readEvents(now)
		s.runCommands()
		s.askCommitted(now)
		s.fetchAll(now)
		s.balanceMemory(now)
		s.checkLogs(now)
		s.replaceStuck(ctx, now)
		s.serveFailed(now)
		s.serveRevocation(now, false)
		s.commitRegularly(now)
		s.promptHeartbeat(now)
		s.warnOfStanding(now)
		s.warnOfStops(now)
		if s.mayEnd(now) {
			break
		}
	}
	stop()
	end()
	s.close(ctx)
}

// wake makes the run goroutine start its next round at once. A second call before that round costs no system call.
func (s *subscription) wake() {
	if s.woken.CompareAndSwap(false, true) {
		s.consumer.Wake()
	}
}

// readEvents takes the events that the consumer has for us.
func (s *subscription) readEvents(now time.Time) {
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
			s.answer(event)
		case librdkafka.Failure:
			s.failure(event)
		case librdkafka.Log:
			s.consumer.logEvent(event)
		}
	}
}

// failure notes what members should be told: missing rights, a consumer that failed for good.
func (s *subscription) failure(event librdkafka.Event) {
	if event.Code == librdkafka.NoGroup && s.manual {
		s.resetPartitions()
		return
	}
	s.consumer.logFailure(event)
	why := kerr.Of(event.Code).Consume
	if why == kerr.ErrForeign { //nolint:errorlint // the table holds the error itself
		s.shutOut(event)
		return
	}
	if !event.Fatal && why != kerr.ErrDenied { //nolint:errorlint // as above
		return
	}
	s.tell(&librdkafka.Error{Code: event.Code, Text: event.Text}, event.Fatal)
}

// shutOut notes that Kafka does not let the consumer into its group, because of the members that the group has elsewhere.
// librdkafka tries again: they may leave.
func (s *subscription) shutOut(event librdkafka.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obstacles.shutOut = &librdkafka.Error{Code: event.Code, Text: event.Text +
		": the group has members elsewhere with another partition.assignment.strategy, stop them or set theirs"}
}

// tell tells members why no records may come. fatal says that the consumer failed for good.
func (s *subscription) tell(trouble error, fatal bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obstacles.trouble = trouble
	s.obstacles.failed = s.obstacles.failed || fatal
	s.dispatch.WakeAll()
}

// beyondRepair tells whether the consumer failed for good. The next Join then opens another subscription.
func (s *subscription) beyondRepair() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.obstacles.failed
}

// commands are what other goroutines want the run goroutine to do. The subscription's mu guards them.
type commands struct {
	waiting []func()
	ended   bool // no more commands are taken
}

// take removes the waiting commands, and returns them.
func (c *commands) take() []func() {
	waiting := c.waiting
	c.waiting = nil
	return waiting
}

// end drops the waiting commands, and takes no more.
func (c *commands) end() { c.waiting, c.ended = nil, true }

// do has the run goroutine call a function, which must not wait. It returns false when the run goroutine has ended.
func (s *subscription) do(do func()) bool {
	s.mu.Lock()
	taken := !s.commands.ended
	if taken {
		s.commands.waiting = append(s.commands.waiting, do)
	}
	s.mu.Unlock()
	if taken {
		s.wake()
	}
	return taken
}

// doNextRound has the run goroutine call a function in its next round, which begins in a tick at most. It is for what
// could not be done yet.
func (s *subscription) doNextRound(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands.waiting = append(s.commands.waiting, do)
}

func (s *subscription) runCommands() {
	s.mu.Lock()
	waiting := s.commands.take()
	s.mu.Unlock()
	for _, do := range waiting {
		do()
	}
}
