package consumer

import (
	"fmt"
	"net/netip"

	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// CrowdedError says that there is no room for another subscription, of the whole proxy or of one address.
type CrowdedError struct {
	Most int // Config.Consume.MaxSubscriptions
	// Held is how many subscriptions the address holds. Address is the zero value when the whole proxy's bound is
	// reached.
	Address netip.Prefix
	Held    int
	// Soon says that a subscription that nobody uses is ending. Then the wake of the failed Join is called.
	Soon bool
}

func (e *CrowdedError) Error() string {
	if e.Soon {
		return fmt.Sprintf("%v: consume.max_subscriptions: there are %d, and one that nobody uses is ending: try again in a moment", kerr.ErrTooMany, e.Most)
	}
	if e.Address.IsValid() {
		return fmt.Sprintf("%v: consume.max_subscriptions: clients at %s have %d subscriptions, and one address may have half of %d: "+
			"use fewer groups from there, or raise it", kerr.ErrTooMany, addressText(e.Address), e.Held, e.Most)
	}
	return fmt.Sprintf("%v: consume.max_subscriptions: %d subscriptions have members, and one address may have half of them: "+
		"use fewer groups, or raise it", kerr.ErrTooMany, e.Most)
}

func (e *CrowdedError) Unwrap() error { return kerr.ErrTooMany }

// addressText is the text of an address, or of a network.
func addressText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// clientPrefix is what counts as one address. Of IPv6 that is a network of 64 bits, because each host has one to itself.
// The zero value is for clients that are not counted: those on this machine, or behind a proxy on it.
func clientPrefix(at netip.Addr) netip.Prefix {
	at = at.Unmap().WithZone("")
	if !at.IsValid() || at.IsLoopback() {
		return netip.Prefix{}
	}
	bits := at.BitLen()
	if at.Is6() {
		bits = 64
	}
	prefix, _ := at.Prefix(bits) // no error: the address has as many bits
	return prefix
}

// consumerSlots counts consumers from their start to their end. So the bound includes consumers that are leaving their
// group. The mutex of Groups guards it.
type consumerSlots struct {
	all     map[*subscription]netip.Prefix // the only address that uses the consumer; the zero value for several
	waiting map[Identity]func()            // woken when a consumer has ended
}

// mostWaiting bounds how many Joins wait for room. More are refused.
const mostWaiting = 10_000

// enter counts a consumer that starts.
func (r *consumerSlots) enter(s *subscription, from netip.Prefix) { r.all[s] = from }

// join notes that an address uses a subscription.
func (r *consumerSlots) join(s *subscription, from netip.Prefix) {
	if r.all[s] != from {
		r.all[s] = netip.Prefix{}
	}
}

// held is how many consumers there are; with a valid address, how many only that address uses.
func (r *consumerSlots) held(from netip.Prefix) (n int) {
	for _, at := range r.all {
		if !from.IsValid() || at == from {
			n++
		}
	}
	return n
}

// reserve makes room for another subscription, or says why there is none. The mutex of Groups is held.
func (g *Groups) reserve(id Identity, from netip.Prefix, wake func()) error {
	most := g.config().Consume.MaxSubscriptions
	if mine := g.slots.held(from); from.IsValid() && mine >= max(1, most/2) {
		return g.evict(id, from, wake, &CrowdedError{Most: most, Address: from, Held: mine})
	}
	if g.slots.held(netip.Prefix{}) >= most {
		return g.evict(id, netip.Prefix{}, wake, &CrowdedError{Most: most})
	}
	delete(g.slots.waiting, id)
	return nil
}

// evict ends the subscription that was without members for longest, one for each Join that waits. It returns the
// refusal, which says whether room comes soon.
func (g *Groups) evict(id Identity, from netip.Prefix, wake func(), refusal *CrowdedError) error {
	if _, known := g.slots.waiting[id]; !known && len(g.slots.waiting) >= mostWaiting {
		return refusal
	}
	g.slots.waiting[id] = wake
	ending := 0
	for s, at := range g.slots.all {
		if g.subscriptions[s.key] != s && (!from.IsValid() || at == from) && !s.hasMembers() {
			ending++
		}
	}
	if ending < len(g.slots.waiting) {
		if s := g.longestUnused(from); s != nil {
			ending++
			delete(g.subscriptions, s.key)
			s.log.Info("subscription ends early: others need its place", "topics", s.topics)
			s.evict()
		}
	}
	refusal.Soon = ending > 0
	if !refusal.Soon {
		delete(g.slots.waiting, id)
	}
	return refusal
}

// longestUnused is the subscription that was without members for longest. It is nil when all have members.
func (g *Groups) longestUnused(from netip.Prefix) (longestUnused *subscription) {
	for _, s := range g.subscriptions {
		if from.IsValid() && g.slots.all[s] != from || s.hasMembers() {
			continue
		}
		if longestUnused == nil || s.lastUsed().Before(longestUnused.lastUsed()) {
			longestUnused = s
		}
	}
	return longestUnused
}

// slotFreed notes that a subscription's consumer has ended, and wakes those who wait for room.
func (g *Groups) slotFreed(s *subscription) {
	g.mu.Lock()
	delete(g.slots.all, s)
	waiting := g.slots.waiting
	g.slots.waiting = map[Identity]func(){}
	g.mu.Unlock()
	for _, wake := range waiting {
		wake()
	}
}
