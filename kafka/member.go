package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
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

// Interest is what a member wants to be lent. Overrides are librdkafka properties of its
// subscription; members that differ in topics or overrides share no subscription.
type Interest struct {
	Topics    []string
	Overrides Properties
	Ack       AckMode
}

// key is equal for interests that can share a subscription.
func (in *Interest) key(group string) string {
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
	id   Identity
	ack  AckMode
	sub  *Subscription
	seat *Seat
	live bool // guarded by the client's mu
}

// Join seats a member, opening its subscription if it is the first. wake is called, from another
// goroutine and never blocking, when a Next that found nothing should be tried again.
func (c *Client) Join(id Identity, in Interest, wake func()) (*Member, error) {
	if err := in.Overrides.ValidateOverrides(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.members[id]
	switch {
	case c.stopping:
		return nil, ErrStopping
	case old != nil && old.live:
		return nil, &TakenError{id}
	}
	sub, err := c.subscription(in.key(id.Group), id.Group, in)
	if err != nil {
		return nil, err
	}
	if old != nil && old.sub != sub {
		old.dismiss()
	}
	m := &Member{id: id, ack: in.Ack, sub: sub, live: true}
	sub.mu.Lock()
	m.seat = sub.dispatch.Sit(id.Name, wake)
	sub.mu.Unlock()
	c.members[id] = m
	return m, nil
}

// subscription finds or opens the subscription of a key. The client's mu is held.
func (c *Client) subscription(key, group string, in Interest) (*Subscription, error) {
	if s := c.subscriptions[key]; s != nil {
		return s, nil
	}
	if len(c.subscriptions) >= c.cfg.MaxSubscriptions {
		return nil, fmt.Errorf("kafka.max_subscriptions: %d subscriptions are open already", c.cfg.MaxSubscriptions)
	}
	s, err := c.startSubscription(key, group, in.Topics, in.Overrides)
	if err != nil {
		return nil, err
	}
	c.subscriptions[key] = s
	return s, nil
}

// Find returns the member of that name, its connection alive or not: acknowledgements may come over
// another one.
func (c *Client) Find(id Identity) *Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[id]
}

// Identity is the member's name.
func (m *Member) Identity() Identity { return m.id }

// Owed is how many records the member has not settled.
func (m *Member) Owed() int {
	m.sub.mu.Lock()
	defer m.sub.mu.Unlock()
	return m.seat.owed
}

// Next appends up to limit records, or about so many bytes of them, to out without waiting. With none, the member's wake will be
// called; StopWaiting ends that.
func (m *Member) Next(limit, bytes int, out []Delivery) ([]Delivery, error) {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	start := len(out)
	if m.ack == AckNext && m.seat.leases > 0 {
		s.acceptLeased(m.seat, now)
	}
	out, err := s.dispatch.Lend(m.seat, now, limit, bytes, out)
	s.count(out[start:])
	if m.ack == AckNone {
		s.acceptLeased(m.seat, now)
	}
	if err == nil && len(out) == start {
		err = s.trouble
	}
	low := s.dispatch.low
	s.mu.Unlock()
	if low {
		s.kick()
	}
	return out, err
}

func (s *Subscription) acceptLeased(seat *Seat, now time.Time) {
	n := s.dispatch.AcceptLeased(seat)
	s.client.consumed.accepted.Add(int64(n))
	s.dispatch.Call(now)
}

func (s *Subscription) count(lent []Delivery) {
	s.client.consumed.lent.Add(int64(len(lent)))
	for i := range lent {
		if lent[i].Attempt > 1 {
			s.client.consumed.redelivered.Add(1)
		}
	}
}

// StopWaiting takes back that the member asked for a record: what came for it goes to another.
func (m *Member) StopWaiting() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.Unwait(m.seat)
	s.dispatch.Call(time.Now())
}

// settle runs one settlement on the ledger of a partition, and counts what it did; 0 when the
// partition is not ours (any more) or the member does not owe the record: the settlement is stale.
func (m *Member) settle(tp TopicPartition, counter *atomic.Int64, do func(*Ledger) int) int {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	if l := s.dispatch.Lane(tp); l != nil {
		n = do(l)
	}
	if n == 0 {
		s.client.consumed.stale.Add(1)
		return 0
	}
	counter.Add(int64(n))
	s.dispatch.Call(time.Now())
	if s.dispatch.byName[tp].closing {
		s.kick()
	}
	return n
}

func one(did bool) int {
	if did {
		return 1
	}
	return 0
}

// AcceptThrough acknowledges everything that the member owes of a partition up to and including
// offset, and returns how many records that were; 0 is a stale acknowledgement.
func (m *Member) AcceptThrough(tp TopicPartition, offset int64) int {
	return m.settle(tp, &m.sub.client.consumed.accepted, func(l *Ledger) int { return l.AcceptThrough(m.seat, offset) })
}

// Accept acknowledges one record; false when the member does not owe it.
func (m *Member) Accept(tp TopicPartition, offset int64) bool {
	return m.settle(tp, &m.sub.client.consumed.accepted, func(l *Ledger) int { return one(l.Accept(m.seat, offset)) }) > 0
}

// Release gives one record back, to be lent again to anybody after delay; false when the member
// does not hold it.
func (m *Member) Release(tp TopicPartition, offset int64, delay time.Duration) bool {
	due := time.Now().Add(delay)
	return m.settle(tp, &m.sub.client.consumed.released, func(l *Ledger) int { return one(l.Release(m.seat, offset, due)) }) > 0
}

// ErrNoDeadLetters is returned by Reject: there is no place to put the record.
var ErrNoDeadLetters = errors.New("no dead-letter topic is configured for this group")

// Reject gives one record up for good, to the dead-letter topic. It fails, and the record stays with
// the member, as long as none is configured.
func (m *Member) Reject(tp TopicPartition, offset int64) (bool, error) {
	if !m.Renew(tp, offset) {
		return false, nil
	}
	return false, ErrNoDeadLetters
}

// Renew tells that the member still works on the record; false when it does not owe it any more.
func (m *Member) Renew(tp TopicPartition, offset int64) bool {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.dispatch.Lane(tp)
	return l != nil && l.Owes(m.seat, offset)
}

// Leave ends the member's connection. Politely, what it owes goes to others at once; otherwise it
// is kept for the grace, in case the same name comes back.
func (m *Member) Leave(politely bool) {
	c := m.sub.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[m.id] != m || !m.live {
		return
	}
	m.live = false
	if politely || !m.stand() {
		m.dismiss()
		delete(c.members, m.id)
	}
}

// stand keeps the seat for the grace; false when the member owes nothing and needs none.
func (m *Member) stand() bool {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.seat.owed == 0 {
		return false
	}
	s.dispatch.Stand(m.seat, now, now.Add(s.client.cfg.MemberGrace))
	return true
}

func (m *Member) dismiss() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.Dismiss(m.seat, time.Now())
}

// forget drops a member whose grace is over, unless it came back meanwhile.
func (c *Client) forget(id Identity, s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[id]; m != nil && m.sub == s && !m.live {
		delete(c.members, id)
	}
}

// retire ends a subscription that nobody uses, unless somebody joined meanwhile.
func (c *Client) retire(s *Subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dispatch.seats) > 0 {
		return false
	}
	delete(c.subscriptions, s.key)
	return true
}

// detach makes sure that a subscription which ends is not joined any more.
func (c *Client) detach(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions[s.key] == s {
		delete(c.subscriptions, s.key)
	}
}
