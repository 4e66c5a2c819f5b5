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
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// Identity names a member: its group and its own name in it.
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
	// AckNext accepts what was lent when the client asks for more.
	AckNext
	// AckNone accepts a record when it is lent: at most once.
	AckNone
)

// SubscribeOptions is what a member wants to be lent. Overrides are librdkafka properties of its
// subscription; members that differ in topics or overrides share no subscription.
type SubscribeOptions struct {
	Topics []string
	// Partitions, if there are any, take the place of Topics. The member then has a consumer of its own that is
	// in no group, and only commits for it: Kafka allows that while no others are members of the group.
	Partitions []record.TopicPartition
	Overrides  config.Properties
	Ack        AckMode
	// WindowFactor is how many times Config's window the member may leave unsettled, when it asks for many
	// clients; 0 is once. What a partition may hold stays the same.
	WindowFactor int
	// Address is the client's, or the zero value: Config.Consume.MaxSubscriptions bounds also what one address may open.
	Address netip.Addr
}

// key is equal for interests that can share a subscription.
func (in *SubscribeOptions) key(group string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", group, slices.Compact(slices.Sorted(slices.Values(in.Topics))))
	for _, name := range slices.Sorted(maps.Keys(in.Overrides)) {
		fmt.Fprintf(&b, " %q=%q", name, in.Overrides[name])
	}
	return b.String()
}

// TakenError says that a live connection has the identity already.
type TakenError struct{ Identity Identity }

func (e *TakenError) Error() string { return fmt.Sprintf("id %s is already taken", e.Identity) }

// Member is one named client of a subscription, and the connection that it has now. When the
// connection ends, Leave keeps what the member owes for the grace; a Join of the same name takes it
// over.
type Member struct {
	id         Identity
	ack        AckMode
	sub        *Subscription
	inDispatch *ledger.Member
	live       bool // guarded by the client's mu
}

// Join makes a member, opening its subscription if it is the first. wake is called, from another
// goroutine and never blocking, when a Next that found nothing should be tried again, or a Join that failed with
// a CrowdedError which says Soon.
func (g *Groups) Join(id Identity, in SubscribeOptions, wake func()) (*Member, error) {
	if err := in.Overrides.ValidateOverrides(); err != nil {
		return nil, err
	}
	set, err := topicset.New(slices.Compact(slices.Sorted(slices.Values(in.Topics))))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
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
	m := &Member{id: id, ack: in.Ack, sub: sub, live: true}
	sub.mu.Lock()
	sub.arrive(time.Now())
	m.inDispatch = sub.dispatch.Attach(id.Name, wake)
	m.inDispatch.SetWindows(in.WindowFactor)
	sub.mu.Unlock()
	g.members[id] = m
	g.wakeOthers(sub)
	if in.manual() {
		m.Assign(in.Partitions)
	}
	return m, nil
}

// subscription finds or opens the subscription of a key. The client's mu is held.
func (g *Groups) subscription(key string, id Identity, in SubscribeOptions, set *topicset.Set, wake func()) (*Subscription, error) {
	from := clientPrefix(in.Address)
	if s := g.subscriptions[key]; s != nil && !s.beyondRepair() {
		g.slots.join(s, from)
		return s, nil
	}
	if err := g.reserve(id, from, wake); err != nil {
		return nil, err
	}
	s, err := g.startSubscription(key, id.Group, in, set)
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

// Find returns the member of that name, its connection alive or not: acknowledgements may come over
// another one.
func (g *Groups) Find(id Identity) *Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members[id]
}

// Identity is the member's name.
func (m *Member) Identity() Identity { return m.id }

// Owed is how many records the member has not settled.
func (m *Member) Owed() int {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return m.inDispatch.Owed()
}

// Next appends up to limit records, or about so many bytes of them, to out without waiting. With none, the member's wake will be
// called; StopWaiting ends that.
func (m *Member) Next(limit, bytes int, out []ledger.Delivery) ([]ledger.Delivery, error) {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	start := len(out)
	if m.ack == AckNext && m.inDispatch.Leases() > 0 {
		s.acceptLeased(m.inDispatch, now)
	}
	out, err := s.dispatch.Lend(m.inDispatch, now, limit, bytes, out)
	s.count(out[start:])
	if m.ack == AckNone {
		s.acceptLeased(m.inDispatch, now)
	}
	if err == nil && len(out) == start {
		if obstacle := s.obstacles.first(); obstacle != nil {
			// It is told, and does not wait: a call for it would reach nobody.
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

// Broken tells that the member's subscription failed for good: nothing comes from it any more, and who
// leaves and joins again gets another one.
func (m *Member) Broken() bool { return m.sub.beyondRepair() }

func (s *Subscription) acceptLeased(member *ledger.Member, now time.Time) {
	n := s.dispatch.AcceptLeased(member)
	s.groups.consumed.accepted.Add(int64(n))
	s.dispatch.Wake(now)
}

func (s *Subscription) count(lent []ledger.Delivery) {
	s.groups.consumed.lent.Add(int64(len(lent)))
	for i := range lent {
		if lent[i].Attempt > 1 {
			s.groups.consumed.redelivered.Add(1)
		}
	}
}

// StopWaiting takes back that the member asked for a record: what came for it goes to another.
func (m *Member) StopWaiting() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.StopWaiting(m.inDispatch)
	s.dispatch.Wake(time.Now())
}

// Topics lists what the member is subscribed to: of a pattern the topics that match it, once the cluster's were looked
// through.
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

// Assigned are the partitions that the member can be lent records of, in order: those that Kafka assigned to
// this proxy for its topics, but for what other members are at work on.
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

// Joining tells whether the group has not assigned anything yet, to anybody here.
func (m *Member) Joining() bool {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return !m.sub.assigned
}
