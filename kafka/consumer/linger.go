package consumer

import (
	"time"
)

const (
	// contestedLinger is how long a subscription without members may keep partitions that other members of its group
	// wait for. It is for members that come and go faster than that: each time would be a rebalance.
	contestedLinger = time.Second
	// joiningTime is how long a subscription without members may take to join its group before it ends for others.
	joiningTime = 5 * time.Second
	// After another subscription has left their group, consumers send a heartbeat every promptInterval for promptTime.
	// So they hear of new assignments early.
	promptInterval = 200 * time.Millisecond
	promptTime     = 2 * time.Second
)

// presence tells when members use a subscription. The subscription's mu guards it.
type presence struct {
	lastUsed       time.Time     // when a member was here last
	longestAbsence time.Duration // the longest time without members, before one came
	evicted        bool          // the subscription is to end, to make room for another
}

// arrive notes that a member comes. The subscription's mu is held.
func (s *subscription) arrive(now time.Time) {
	if s.dispatch.Empty() {
		s.presence.longestAbsence = max(s.presence.longestAbsence, now.Sub(s.presence.lastUsed))
	}
	s.presence.lastUsed = now
}

// mayEnd forgets members whose grace is over. It tells whether the subscription may end.
func (s *subscription) mayEnd(now time.Time) bool {
	s.mu.Lock()
	gone := s.dispatch.Expire(now)
	s.serveDeaths(now)
	empty := s.dispatch.Empty()
	if !empty || len(gone) > 0 {
		s.presence.lastUsed = now
	}
	s.mu.Unlock()
	for _, member := range gone {
		s.log.Info("member forgotten, its records go to others", "member", member.Name)
		s.groups.forget(Identity{s.group, member.Name}, s)
	}
	return empty && s.groups.retire(s, now)
}

// lingerTime is how long the subscription stays without members. It is contested when other members of its group wait
// for its topics. A subscription that is just joining completes that first. If it left before, its group would count it
// as a member until its session ends, and give it partitions. The subscription's mu is held.
func (s *subscription) lingerTime(contested bool) time.Duration {
	linger := s.cfg.Consume.Linger
	switch {
	case s.obstacles.failed || s.manual:
		return 0
	case !s.presence.evicted && !contested:
		return linger
	case !s.assigned:
		return min(linger, joiningTime)
	case s.presence.evicted:
		return 0
	case s.presence.longestAbsence > contestedLinger:
		return 0 // the subscription would end before its members come back
	}
	return min(linger, 2*s.presence.longestAbsence, contestedLinger)
}

// retire ends a subscription that nobody uses any more, unless somebody has joined meanwhile.
func (g *Groups) retire(s *subscription, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	contested := g.contested(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dispatch.Empty() || now.Sub(s.presence.lastUsed) < s.lingerTime(contested) {
		return false
	}
	if g.subscriptions[s.key] == s {
		delete(g.subscriptions, s.key)
		if contested {
			g.departed.note(s.key, s.presence.lastUsed, now)
		}
	}
	return true
}

// contested tells whether connected members of another subscription of the group wait for partitions of this one. The
// mutex of Groups is held, that of the subscription is not.
func (g *Groups) contested(s *subscription) bool {
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group && other.topicSet.Overlaps(s.topicSet) && other.hasConnected() {
			return true
		}
	}
	return false
}

// hasConnected tells whether a member is connected.
func (s *subscription) hasConnected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dispatch.Attended()
}

// hasMembers tells whether there are members. Those that are away and owe records are included.
func (s *subscription) hasMembers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dispatch.Empty()
}

// evict ends the subscription at its next round. Nobody uses it, and nobody can join it any more.
func (s *subscription) evict() {
	s.mu.Lock()
	s.presence.evicted = true
	s.mu.Unlock()
	s.wake()
}

func (s *subscription) lastUsed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.presence.lastUsed
}

// wakeOthers has the group's other subscriptions check at once whether they may end. The mutex of Groups is held.
func (g *Groups) wakeOthers(s *subscription) {
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group {
			other.wake()
		}
	}
}

// left has the group's other consumers hear at once that this one has left. Otherwise they hear it at their next
// heartbeat, which is seconds away with KIP-848.
func (g *Groups) left(s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := time.Now().Add(promptTime)
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group && !other.manual {
			other.do(func() { other.heartbeats.until = until })
		}
	}
}

// promptedHeartbeats are heartbeats that are sent early, for a while.
type promptedHeartbeats struct {
	last, until time.Time
}

// due tells whether to prompt a heartbeat now, and notes that.
func (p *promptedHeartbeats) due(now time.Time) bool {
	if p.until.IsZero() || now.Before(p.last.Add(promptInterval)) {
		return false
	}
	if now.After(p.until) {
		p.until = time.Time{}
		return false
	}
	p.last = now
	return true
}

// promptHeartbeat sends a heartbeat early, while a new assignment is to be expected.
func (s *subscription) promptHeartbeat(now time.Time) {
	if !s.heartbeats.due(now) {
		return
	}
	if err := s.consumer.PromptHeartbeat(); err != nil {
		s.log.Warn("group not asked for news", "err", err)
	}
}

// departures tell when the last member left a subscription that ended because others of its group waited. When such a
// subscription opens again soon, its members come and go.
type departures map[string]time.Time

// mostDepartures bounds the departures, because clients choose the keys.
const mostDepartures = 1000

func (d departures) note(key string, used, now time.Time) {
	for other, at := range d {
		if len(d) >= mostDepartures || now.Sub(at) > contestedLinger {
			delete(d, other)
		}
	}
	d[key] = used
}

// since is when the subscription had members before, if that was lately; otherwise it is now.
func (d departures) since(key string, now time.Time) time.Time {
	at, known := d[key]
	delete(d, key)
	if !known || now.Sub(at) > contestedLinger {
		return now
	}
	return at
}

// Leave ends the member's connection. Politely, what the member owes goes to others at once. Otherwise it is kept for
// the grace, in case a member of the same name joins.
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

// stand keeps the member for the grace. It returns false when the member owes nothing.
func (m *Member) stand() bool {
	s, now := m.sub, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.inDispatch.Owed() == 0 {
		return false
	}
	s.dispatch.Detach(m.inDispatch, now, now.Add(s.cfg.Consume.MemberGrace))
	return true
}

func (m *Member) dismiss() {
	s := m.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.presence.lastUsed = now
	s.dispatch.Dismiss(m.inDispatch, now)
	if s.dispatch.Empty() {
		s.wake() // others of the group may wait for the partitions
	}
}

// forget drops a member whose grace is over, unless it has joined again meanwhile.
func (g *Groups) forget(id Identity, s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.members[id]; m != nil && m.sub == s && !m.live {
		delete(g.members, id)
	}
}

// detach removes a subscription that ends, so that nobody joins it any more.
func (g *Groups) detach(s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.subscriptions[s.key] == s {
		delete(g.subscriptions, s.key)
	}
}
