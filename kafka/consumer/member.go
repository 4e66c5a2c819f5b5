package consumer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// Identity names a member by its group and its own name in the group.
type Identity struct {
	Group, Name string
}

// String is the form that clients use: group:name.
func (id Identity) String() string { return id.Group + ":" + id.Name }

// AckMode says when a member's records are accepted.
type AckMode int

// The ways of acknowledging.
const (
	// AckExplicit waits for the client's acknowledgement.
	AckExplicit AckMode = iota
	// AckNext accepts lent records when the client asks for more.
	AckNext
	// AckNone accepts a record when it is lent: at most once.
	AckNone
)

// SubscribeOptions say what a member wants to be lent. Overrides are librdkafka properties of its subscription. Members
// with other topics or other overrides share no subscription.
type SubscribeOptions struct {
	Topics []string
	// Partitions, if there are any, take the place of Topics. The member then has a consumer of its own, which is in no
	// group and only commits for it. Kafka allows that while the group has no members.
	Partitions []record.TopicPartition
	Overrides  config.Properties
	Ack        AckMode
	// WindowFactor is how many times Config's window a member may leave unsettled that asks for many clients. 0 is once.
	// It does not change what a partition may hold.
	WindowFactor int
	// Dispatch is how the group's partitions are to be shared; empty: as its policies say, else ordered.
	Dispatch failures.Dispatch
	// AnyDispatch says that the member takes the dispatch that its group has here.
	AnyDispatch bool
	// Blocks is what waits for a record that the member could not process, where no policy says; empty: as the dispatch has it.
	Blocks failures.OnError
	// Failures are settings of the group's policies that the member sets itself.
	Failures failures.Overrides
	// Address is the client's address, or the zero value. Config.Consume.MaxSubscriptions also bounds what one address may open.
	Address netip.Addr
}

// key is equal for options that can share a subscription.
func (in *SubscribeOptions) key(group string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", group, slices.Compact(slices.Sorted(slices.Values(in.Topics))))
	for _, name := range slices.Sorted(maps.Keys(in.Overrides)) {
		fmt.Fprintf(&b, " %q=%q", name, in.Overrides[name])
	}
	return b.String()
}

// TakenError says that a connected member has the identity.
type TakenError struct{ Identity Identity }

func (e *TakenError) Error() string { return fmt.Sprintf("id %s is already taken", e.Identity) }

// Member is one named client of a subscription, with its present connection. When the connection ends, Leave keeps what
// the member owes for the grace. A Join of the same name takes that over.
type Member struct {
	id         Identity
	ack        AckMode
	sub        *subscription
	inDispatch *ledger.Member
	live       bool // guarded by the mutex of Groups
	blocks     failures.OnError
	overrides  failures.Overrides
}

// Join makes a member, and opens its subscription if it is the first. wake is called when a Next that found nothing
// should be tried again. It is also called when a Join should be tried again that failed with a CrowdedError with Soon.
// The call comes from another goroutine, and must not block.
func (g *Groups) Join(id Identity, in SubscribeOptions, wake func()) (*Member, error) {
	overrides, ignored, err := in.Overrides.OfClient()
	if err != nil {
		return nil, err
	}
	in.Overrides = overrides
	set, err := topicset.New(slices.Compact(slices.Sorted(slices.Values(in.Topics))))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(ignored, id)
	old := g.members[id]
	switch {
	case g.life.Stopping():
		return nil, kerr.ErrStopping
	case old != nil && old.live:
		return nil, &TakenError{id}
	}
	key := in.key(id.Group)
	if in.manual() {
		key = fmt.Sprintf("%s chosen by %q", key, id.Name)
	}
	sub, err := g.subscription(key, id, in, set, wake)
	if err != nil {
		return nil, err
	}
	if old != nil && old.sub != sub {
		old.dismiss()
	}
	m := &Member{id: id, ack: in.Ack, sub: sub, live: true, blocks: in.Blocks, overrides: in.Failures}
	m.attach(in.WindowFactor, wake)
	g.members[id] = m
	g.wakeOthers(sub)
	if in.manual() {
		m.Assign(in.Partitions)
	}
	return m, nil
}

// attach gives the member its place in the dispatch.
func (m *Member) attach(windows int, wake func()) {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrive(now)
	m.inDispatch = s.dispatch.Attach(m.id.Name, now, wake)
	m.inDispatch.SetWindows(windows)
	s.serveDeaths(now)
}

// note logs once which properties of clients have no effect. librdkafka knows the names, so there are not many. The mutex
// of Groups is held.
func (g *Groups) note(ignored []string, id Identity) {
	for _, name := range ignored {
		if !g.noted[name] {
			g.noted[name] = true
			g.log.Info("a client's property has no effect", "property", name, "reason", config.WhyIgnored(name), "group", id.Group, "member", id.Name)
		}
	}
}

// subscription finds or opens the subscription of a key. The mutex of Groups is held.
func (g *Groups) subscription(key string, id Identity, in SubscribeOptions, set *topicset.Set, wake func()) (*subscription, error) {
	from := clientPrefix(in.Address)
	if err := g.checkOverrides(id, &in); err != nil {
		return nil, err
	}
	order, err := g.chooseOrder(id, &in)
	if err != nil {
		return nil, err
	}
	g.reorder(id.Group, order)
	if s := g.subscriptions[key]; s != nil && !s.beyondRepair() {
		g.slots.join(s, from)
		return s, nil
	}
	if err := g.reserve(id, from, wake); err != nil {
		return nil, err
	}
	s, err := g.startSubscription(key, id.Group, in, order, set)
	if err != nil {
		return nil, err
	}
	g.subscriptions[key] = s
	g.slots.enter(s, from)
	if set.HasPatterns() {
		g.discover()
	}
	return s, nil
}

// Find returns the member of an identity, connected or not: acknowledgements may come over another connection. It is nil
// when there is none.
func (g *Groups) Find(id Identity) *Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members[id]
}

// Identity is the member's identity.
func (m *Member) Identity() Identity { return m.id }

// Owed is how many records the member has not settled.
func (m *Member) Owed() int {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return m.inDispatch.Owed()
}

// Next appends up to limit records to out, or about so many bytes of them, without waiting. When it finds none, the
// member's wake is called later; StopWaiting ends that.
func (m *Member) Next(limit, bytes int, out []ledger.Delivery) ([]ledger.Delivery, error) {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	start := len(out)
	if m.ack == AckNext && m.inDispatch.Leases() > 0 {
		s.acceptLeased(m.inDispatch, now)
	}
	s.openGates(now)
	out, err := s.dispatch.Lend(m.inDispatch, now, limit, bytes, out)
	s.count(out[start:])
	s.noteLent(out[start:], now)
	if m.ack == AckNone {
		s.acceptLeased(m.inDispatch, now)
	}
	if err == nil && len(out) == start {
		if obstacle := s.obstacles.first(); obstacle != nil {
			// The member is told, and does not wait: a wake would reach nobody.
			s.dispatch.StopWaiting(m.inDispatch)
			err = kerr.Consuming(obstacle)
		}
	}
	low := s.dispatch.Low()
	s.mu.Unlock()
	if low {
		s.wake()
	}
	return out, err
}

// Broken tells that the member's subscription failed for good. Nothing comes from it any more. A member that leaves and
// joins again gets another subscription.
func (m *Member) Broken() bool { return m.sub.beyondRepair() }

func (s *subscription) acceptLeased(member *ledger.Member, now time.Time) {
	n := s.dispatch.AcceptLeased(member)
	for topic := range s.failing.bounded {
		s.noteAccepted(topic, n)
	}
	s.groups.consumed.accepted.Add(int64(n))
	s.dispatch.Wake(now)
}

func (s *subscription) count(lent []ledger.Delivery) {
	s.groups.consumed.lent.Add(int64(len(lent)))
	for i := range lent {
		s.failed.lent(lent[i].Attempt)
		if lent[i].Attempt > 1 {
			s.groups.consumed.redelivered.Add(1)
		}
	}
}

// StopWaiting ends the member's wait for a record. A record that came for it goes to another member.
func (m *Member) StopWaiting() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.StopWaiting(m.inDispatch)
	s.dispatch.Wake(time.Now())
}

// Topics lists the topics that the member is subscribed to. Of a pattern these are the topics that match, once the
// cluster's topics were searched.
func (m *Member) Topics(ctx context.Context) ([]string, error) {
	set := m.sub.topicSet
	if set.HasPatterns() {
		select {
		case <-set.Searched():
		case <-m.sub.gone:
			return nil, kerr.ErrStopping
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", kerr.ErrNoAnswer, kerr.Reason(ctx.Err()))
		}
	}
	return set.Topics(), nil
}

// Assigned are the partitions that the member can be lent records of, in order. Kafka assigned them to this proxy for
// the member's topics, and no other member owes records of them.
func (m *Member) Assigned() []record.TopicPartition {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	var free []record.TopicPartition
	for l := range s.dispatch.Partitions() {
		if tp := l.TopicPartition; !l.Closing() && s.free(tp, m.inDispatch) == nil {
			free = append(free, tp)
		}
	}
	slices.SortFunc(free, func(a, b record.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return free
}

// Unreachable is why the member is in no group yet, where the reason is that no broker answers, or that the group's members
// elsewhere keep it out; else nil. A member that was in its group waits: brokers that have gone come back.
func (m *Member) Unreachable() error {
	s := m.sub
	s.mu.Lock()
	joining, shutOut := !s.assigned, s.obstacles.shutOut
	s.mu.Unlock()
	switch {
	case !joining:
		return nil
	case shutOut != nil:
		return kerr.Consuming(shutOut)
	}
	return s.groups.cluster.Unreachable()
}

// Joining tells whether Kafka has assigned nothing yet to the member's subscription.
func (m *Member) Joining() bool {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return !m.sub.assigned
}
