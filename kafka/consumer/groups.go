// Package consumer lends the records of groups to members.
//
// A subscription is one librdkafka consumer, for a group, its topics and the properties that a client overrides. One
// goroutine owns the consumer.
//
// A record comes this way. librdkafka keeps fetched records in a queue per partition. The budget decides which
// partitions librdkafka may fetch. The goroutine takes records from the queue when the partition's ledger holds too few.
// The dispatch lends a partition's records to one member at a time. Member.Next returns them.
//
// An acknowledgement goes this way. Member.Accept settles the record in the ledger. The ledger's position is the first
// offset that is not settled. The goroutine commits changed positions at every commit interval. What is settled above a
// position goes into the metadata of the commit.
//
// A partition may leave and come back. Its log may be truncated. Its topic may be deleted and created again. Each time
// the partition gets a new ledger, so that no offset of the old one is committed.
package consumer

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/budget"
	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Groups holds the subscriptions of this proxy, and their members.
type Groups struct {
	settings *atomic.Pointer[config.Config]
	log      *slog.Logger
	life     *lifetime.Lifetime
	cluster  *cluster.Cluster

	deadLetters     DeadLetters
	consumed        consumeCounts
	dead            deadCounts
	leases          leaseTable
	memory          memory
	opened          chan struct{} // a partition was opened: see watchTopics
	firstAskers     chan struct{} // a slot for each subscription that asks for committed offsets first
	letterAskers    chan struct{} // a slot for each dead-letter topic that is looked at
	committedAskers chan struct{} // a slot for each that asks again

	mu            sync.Mutex // guards what follows; taken before the mutex of a subscription
	discovering   discovering
	subscriptions map[string]*subscription
	members       map[Identity]*Member
	noted         map[string]bool // properties of clients that have no effect, once they were logged
	departed      departures
	slots         consumerSlots
}

// New makes Groups that members can join. Run starts its loops.
func New(settings *atomic.Pointer[config.Config], log *slog.Logger, life *lifetime.Lifetime, cluster *cluster.Cluster, letters DeadLetters) *Groups {
	g := &Groups{
		settings: settings, log: log, life: life, cluster: cluster, deadLetters: letters, dead: newDeadCounts(),
		leases: newLeaseTable(), opened: make(chan struct{}, 1), firstAskers: make(chan struct{}, firstAskers), letterAskers: make(chan struct{}, letterAskers), committedAskers: make(chan struct{}, committedAskers),
		discovering: discovering{sought: make(chan struct{}, 1)}, subscriptions: map[string]*subscription{}, members: map[Identity]*Member{}, noted: map[string]bool{}, departed: departures{},
		slots: consumerSlots{all: map[*subscription]netip.Prefix{}, waiting: map[Identity]func(){}},
	}
	g.Reconfigure(g.config())
	return g
}

// Run watches topic ids, and returns memory to the system, until the life ends.
func (g *Groups) Run() {
	g.life.Go(func() { g.watchTopics(g.life.Context) })
	g.life.Go(func() { g.trim(g.life.Context) })
}

// config is the configuration as it is now. Nobody changes what it points to.
func (g *Groups) config() *config.Config { return g.settings.Load() }

// Reconfigure applies the bound on memory, which holds at once.
func (g *Groups) Reconfigure(cfg *config.Config) {
	g.memory.change(nil, func(b *budget.Budget) { b.Resize(int64(cfg.Consume.Memory)) })
}

// open lists the open subscriptions, by group and topics.
func (g *Groups) open() []*subscription {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.SortedFunc(maps.Values(g.subscriptions), func(a, b *subscription) int { return cmp.Compare(a.key, b.key) })
}

// Served lists the groups that this proxy serves, by name.
func (g *Groups) Served() map[string]cluster.Served {
	groups := map[string]cluster.Served{}
	for _, s := range g.open() {
		served := groups[s.group]
		if served.Assigned == nil {
			served.Assigned = map[record.TopicPartition]cluster.Unsettled{}
		}
		served.Consumers = append(served.Consumers, s.consumer.Consumer)
		served.Topics = append(served.Topics, s.topicSet)
		s.mu.Lock()
		for l := range s.dispatch.Partitions() {
			at, unsettled := l.Ledger().FirstUnsettled()
			served.Assigned[l.TopicPartition] = cluster.Unsettled{Timestamp: at, Is: unsettled}
		}
		served.Leased += s.dispatch.Leased()
		s.mu.Unlock()
		groups[s.group] = served
	}
	return groups
}

var (
	extents = map[failures.OnError]ledger.Extent{
		failures.BlockPartition: ledger.ThePartition, failures.BlockKey: ledger.TheKey, failures.Pass: ledger.OnlyItself,
	}
	orders = map[failures.Dispatch]ledger.Order{
		failures.Ordered: ledger.Ordered, failures.Keyed: ledger.Keyed, failures.Shared: ledger.Shared,
	}
)

// order is how the subscription's partitions are shared. The subscription's mu is held.
func (s *subscription) order() failures.Dispatch {
	for name, order := range orders {
		if order == s.dispatch.Order() {
			return name
		}
	}
	return failures.Ordered
}

// chooseOrder is how the partitions of a group are shared: as the client wants it, or its policies do. Topics of one
// subscription share one order. The mutex of Groups is held.
func (g *Groups) chooseOrder(id Identity, in *SubscribeOptions) (ledger.Order, error) {
	want, by := in.Dispatch, ""
	for _, topic := range in.Topics {
		p := g.config().Failures.Find(id.Group, topic)
		switch {
		case p.Dispatch == "" || p.Dispatch == want:
		case want == "":
			want, by = p.Dispatch, topic
		case by != "":
			return 0, notAllowed("the policies of %s and %s want them dispatched %s and %s: a consumer of both cannot be", by, topic, want, p.Dispatch)
		case !p.Allows("dispatch"):
			return 0, notAllowed("sluice.dispatch=%s: the policy of group %s and topic %s says %s, and lets no client choose: leave it out, or see overrides in its settings",
				want, id.Group, topic, p.Dispatch)
		}
	}
	for _, other := range g.subscriptions {
		if other.group != id.Group {
			continue
		}
		switch has, fixed := other.orderNow(); {
		case !fixed || orders[want] == orders[has]:
		case want == "" && in.AnyDispatch:
			want = has
		default:
			return 0, &kerr.ChoiceError{Others: true, Reason: fmt.Sprintf(
				"group %s is dispatched %s on this sluice for its other clients, not %s: one group has one dispatch. Ask for sluice.dispatch=%s, or use another group",
				id.Group, has, orderName(want), has)}
		}
	}
	return orders[want], nil
}

// reorder changes the order of subscriptions of the group that nobody relies on. The mutex of Groups is held.
func (g *Groups) reorder(group string, order ledger.Order) {
	for _, s := range g.subscriptions {
		if s.group == group {
			s.reorder(order)
		}
	}
}

func (s *subscription) reorder(order ledger.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dispatch.Order() == order || !s.dispatch.Empty() {
		return
	}
	s.dispatch.SetOrder(order)
	for p := range s.dispatch.Partitions() {
		s.applyRules(p, s.rulesOf(p.Topic))
	}
}

func orderName(d failures.Dispatch) failures.Dispatch {
	if d == "" {
		return failures.Ordered
	}
	return d
}

// orderNow is how the subscription's partitions are shared, and whether members rely on it.
func (s *subscription) orderNow() (failures.Dispatch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order(), !s.dispatch.Empty()
}

// checkOverrides refuses what a client may not set itself.
func (g *Groups) checkOverrides(id Identity, in *SubscribeOptions) error {
	for _, name := range in.Failures.Names() {
		for _, topic := range in.Topics {
			if p := g.config().Failures.Find(id.Group, topic); !p.Allows(name) {
				return notAllowed("%s%s: the policy of group %s and topic %s lets no client set it: leave it out, or see overrides in its settings",
					failures.OverridePrefix, name, id.Group, topic)
			}
		}
	}
	return nil
}

func notAllowed(format string, values ...any) error {
	return &kerr.ChoiceError{Reason: fmt.Sprintf(format, values...)}
}
