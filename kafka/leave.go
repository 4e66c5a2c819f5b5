package kafka

import (
	"time"
)

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
	s.dispatch.Stand(m.seat, now, now.Add(s.cfg.MemberGrace))
	return true
}

func (m *Member) dismiss() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.used = now
	s.dispatch.Dismiss(m.seat, now)
	if len(s.dispatch.seats) == 0 {
		s.kick() // others of its group may wait for its partitions
	}
}

// forget drops a member whose grace is over, unless it came back meanwhile.
func (c *Client) forget(id Identity, s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[id]; m != nil && m.sub == s && !m.live {
		delete(c.members, id)
	}
}

// detach makes sure that a subscription which ends is not joined any more.
func (c *Client) detach(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions[s.key] == s {
		delete(c.subscriptions, s.key)
	}
}
