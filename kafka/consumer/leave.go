package consumer

import (
	"time"
)

// Leave ends the member's connection. Politely, what it owes goes to others at once; otherwise it
// is kept for the grace, in case the same name comes back.
func (m *Member) Leave(politely bool) {
	g := m.sub.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m || !m.live {
		return
	}
	m.live = false
	if politely || !m.stand() {
		m.dismiss()
		delete(g.members, m.id)
	}
}

// stand keeps the member for the grace; false when the member owes nothing and needs none.
func (m *Member) stand() bool {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.seat.Owed() == 0 {
		return false
	}
	s.dispatch.Detach(m.seat, now, now.Add(s.cfg.MemberGrace))
	return true
}

func (m *Member) dismiss() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.used = now
	s.dispatch.Dismiss(m.seat, now)
	if s.dispatch.Empty() {
		s.kick() // others of its group may wait for its partitions
	}
}

// forget drops a member whose grace is over, unless it came back meanwhile.
func (g *Groups) forget(id Identity, s *Subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.members[id]; m != nil && m.sub == s && !m.live {
		delete(g.members, id)
	}
}

// detach makes sure that a subscription which ends is not joined any more.
func (g *Groups) detach(s *Subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.subscriptions[s.key] == s {
		delete(g.subscriptions, s.key)
	}
}
