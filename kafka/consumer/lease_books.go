package consumer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
)

// rowKey names a row of the books. The zero rowKey names the row for everything beyond the bound.
type rowKey struct{ group, topic string }

// leaseRows bounds the rows, because clients name groups and topics.
const leaseRows = 500

// leaseBooks keep what every group was lent, also after its subscription has ended.
type leaseBooks struct {
	mu         sync.Mutex // taken before the mutex of a subscription
	past       map[rowKey]*pastLeases
	own        int // rows, without the one of the zero rowKey
	open       map[*Subscription]bool
	rebalances map[string]int64 // by group
}

// pastLeases is what ended subscriptions have counted, and what no ledger counts.
type pastLeases struct {
	ledger.LeaseCounts
	stale    int64
	age      time.Duration // of the worst standing record: see addStanding
	attempts int
}

func newLeaseBooks() leaseBooks {
	return leaseBooks{past: map[rowKey]*pastLeases{}, open: map[*Subscription]bool{}, rebalances: map[string]int64{}}
}

// admit returns the row that counts a topic of a group.
func (b *leaseBooks) admit(group, topic string) rowKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := rowKey{group, topic}
	switch {
	case b.past[m] != nil:
	case b.own < leaseRows:
		b.own++
		b.past[m] = &pastLeases{}
	default:
		m = rowKey{}
		b.others()
	}
	return m
}

// others is the row for everything beyond the bound. The books' mu is held.
func (b *leaseBooks) others() *pastLeases {
	if b.past[rowKey{}] == nil {
		b.past[rowKey{}] = &pastLeases{}
	}
	return b.past[rowKey{}]
}

// stale counts a settlement that came too late. Clients may name anything, so this opens no row.
func (b *leaseBooks) stale(group, topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := b.past[rowKey{group, topic}]
	if row == nil {
		row = b.others()
	}
	row.stale++
}

// rebalanced counts an assignment or a revocation.
func (b *leaseBooks) rebalanced(group string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.rebalances[group]; !known && len(b.rebalances) >= leaseRows {
		group = ""
	}
	b.rebalances[group]++
}

// rebalancesOf is how many assignments and revocations the group has had here since the start.
func (b *leaseBooks) rebalancesOf(group string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rebalances[group]
}

func (b *leaseBooks) opened(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[s] = true
}

// closed takes over what a subscription has counted, after its ledgers have ended.
func (b *leaseBooks) closed(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, counts := range s.leases {
		b.past[m].Add(counts)
	}
	s.leases = nil
	delete(b.open, s)
}

// Consumed reads the books: a row per group and topic, in order.
func (g *Groups) Consumed() []ConsumedRow {
	b := &g.leases
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[rowKey]pastLeases, len(b.past))
	for m, past := range b.past {
		all[m] = *past
	}
	now := time.Now()
	for s := range b.open {
		s.addLeases(all, now)
	}
	rows := make([]ConsumedRow, 0, len(all))
	for m, l := range all {
		rows = append(rows, ConsumedRow{
			Group: m.group, Topic: m.topic, Fetched: l.Fetched, Lent: l.Lent, Accepted: l.Accepted, Released: l.Released,
			Rejected: l.Rejected, Redelivered: l.Redelivered, Stale: l.stale, Leased: l.Leased, Skipped: l.Skipped,
			StandingAge: l.age, StandingAttempts: l.attempts,
		})
	}
	slices.SortFunc(rows, func(a, b ConsumedRow) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic))
	})
	return rows
}

// addLeases adds what the subscription has counted so far.
func (s *Subscription) addLeases(all map[rowKey]pastLeases, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, counts := range s.leases {
		sum := all[m]
		sum.Add(counts)
		all[m] = sum
	}
	s.addStanding(all, now)
}
