package consumer

import (
	"time"
)

const (
	// contestedLinger is how long a subscription without members keeps its partitions from members of its
	// group that wait, when its own come and go faster than that: each coming and going would be a rebalance.
	contestedLinger = time.Second
	// joiningTime is how long a subscription may take to join its group before it leaves it for others.
	joiningTime = 5 * time.Second
	// After another subscription has left their group, consumers ask the coordinator every promptInterval for
	// promptTime whether there is something for them.
	promptInterval = 200 * time.Millisecond
	promptTime     = 2 * time.Second
)

// presence is when members use a subscription. The subscription's mu guards it.
type presence struct {
	lastUsed       time.Time     // when a member was last here
	longestAbsence time.Duration // the longest that none was, before one came
	evicted        bool          // others need the subscription's place
}

// arrive notes that a member comes. The subscription's mu is held.
func (s *Subscription) arrive(now time.Time) {
	if s.dispatch.Empty() {
		s.presence.longestAbsence = max(s.presence.longestAbsence, now.Sub(s.presence.lastUsed))
	}
	s.presence.lastUsed = now
}

// mayEnd forgets members whose grace is over, and tells whether the subscription may end.
func (s *Subscription) mayEnd(now time.Time) bool {
	s.mu.Lock()
	gone := s.dispatch.Expire(now)
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

// lingerTime is how long the subscription stays without members. Those of its group that wait for its topics
// elsewhere contest it. One that is just joining its group completes that: if it left, whoever gets its request
// would take it for a member, and give it partitions until its session ends. Its mu is held.
func (s *Subscription) lingerTime(contested bool) time.Duration {
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
		return 0 // it would end before they come back
	}
	return min(linger, 2*s.presence.longestAbsence, contestedLinger)
}

// retire ends a subscription that nobody uses any more, unless somebody joined meanwhile.
func (g *Groups) retire(s *Subscription, now time.Time) bool {
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

// contested tells whether connected members of another subscription of the group would like to have the
// partitions of this one. The client's mu is held, the subscription's is not.
func (g *Groups) contested(s *Subscription) bool {
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group && other.topicSet.Overlaps(s.topicSet) && other.hasConnected() {
			return true
		}
	}
	return false
}

// hasConnected tells whether a member is connected.
func (s *Subscription) hasConnected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dispatch.Attended()
}

// hasMembers tells whether it has members, those that are away and owe something included.
func (s *Subscription) hasMembers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.dispatch.Empty()
}

// evict ends it at the next look: nobody uses it, and nobody can join it any more.
func (s *Subscription) evict() {
	s.mu.Lock()
	s.presence.evicted = true
	s.mu.Unlock()
	s.wake()
}

func (s *Subscription) lastUsed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.presence.lastUsed
}

// Contested tells whether other members of the group, with other topics or properties, would like to have
// the partitions that the member's subscription holds.
func (m *Member) Contested() bool {
	g := m.sub.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.contested(m.sub)
}

// wakeOthers makes the group's other subscriptions look at once whether they are still wanted. The client's mu is
// held.
func (g *Groups) wakeOthers(s *Subscription) {
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group {
			other.wake()
		}
	}
}

// left makes the group's other consumers hear of it now that one has left: by themselves they would at their
// next heartbeat, which is seconds away with KIP-848.
func (g *Groups) left(s *Subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := time.Now().Add(promptTime)
	for _, other := range g.subscriptions {
		if other != s && other.group == s.group && !other.manual {
			other.do(func() { other.heartbeats.until = until })
		}
	}
}

// promptedHeartbeats are those by which a consumer hears of the group early, for a while.
type promptedHeartbeats struct {
	last, until time.Time
}

// due tells whether a heartbeat is to be prompted now, and notes that.
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

// promptHeartbeat has the consumer ask the coordinator for news, while some are to be expected.
func (s *Subscription) promptHeartbeat(now time.Time) {
	if !s.heartbeats.due(now) {
		return
	}
	if err := s.consumer.PromptHeartbeat(); err != nil {
		s.log.Warn("group not asked for news", "err", err)
	}
}

// departures are when the last members left subscriptions that ended because of others of their group: one
// that is opened again soon has members that come and go.
type departures map[string]time.Time

// mostDepartures bounds them: keys are made of what clients say.
const mostDepartures = 1000

func (d departures) note(key string, used, now time.Time) {
	for other, at := range d {
		if len(d) >= mostDepartures || now.Sub(at) > contestedLinger {
			delete(d, other)
		}
	}
	d[key] = used
}

// since is when the members of a subscription that is opened now were there before, now if they were not
// lately.
func (d departures) since(key string, now time.Time) time.Time {
	at, known := d[key]
	delete(d, key)
	if !known || now.Sub(at) > contestedLinger {
		return now
	}
	return at
}

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
		s.wake() // others of its group may wait for its partitions
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
