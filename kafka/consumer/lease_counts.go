package consumer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
)

// rowKey names a row of the table. The zero rowKey names the row for everything beyond the bound.
type rowKey struct{ group, topic string }

// leaseRows bounds the rows, because clients name groups and topics.
const leaseRows = 500

// leaseTable counts what every group was lent, also after its subscription has ended.
type leaseTable struct {
	mu         sync.Mutex // taken before the mutex of a subscription
	ended      map[rowKey]*endedLeases
	own        int // rows, without the one of the zero rowKey
	open       map[*subscription]bool
	rebalances map[string]int64 // by group
}

// endedLeases is what ended subscriptions have counted, and what no ledger counts.
type endedLeases struct {
	ledger.LeaseCounts
	stale    int64
	age      time.Duration // of the worst standing record: see addStanding
	attempts int
}

func newLeaseTable() leaseTable {
	return leaseTable{ended: map[rowKey]*endedLeases{}, open: map[*subscription]bool{}, rebalances: map[string]int64{}}
}

// admit returns the row that counts a topic of a group.
func (t *leaseTable) admit(group, topic string) rowKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := rowKey{group, topic}
	switch {
	case t.ended[m] != nil:
	case t.own < leaseRows:
		t.own++
		t.ended[m] = &endedLeases{}
	default:
		m = rowKey{}
		t.others()
	}
	return m
}

// others is the row for everything beyond the bound. The table's mu is held.
func (t *leaseTable) others() *endedLeases {
	if t.ended[rowKey{}] == nil {
		t.ended[rowKey{}] = &endedLeases{}
	}
	return t.ended[rowKey{}]
}

// stale counts a settlement that came too late. Clients may name anything, so this opens no row.
func (t *leaseTable) stale(group, topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.ended[rowKey{group, topic}]
	if row == nil {
		row = t.others()
	}
	row.stale++
}

// rebalanced counts an assignment or a revocation.
func (t *leaseTable) rebalanced(group string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.rebalances[group]; !known && len(t.rebalances) >= leaseRows {
		group = ""
	}
	t.rebalances[group]++
}

// rebalancesOf is how many assignments and revocations the group has had here since the start.
func (t *leaseTable) rebalancesOf(group string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rebalances[group]
}

func (t *leaseTable) opened(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[s] = true
}

// closed takes over what a subscription has counted, after its ledgers have ended.
func (t *leaseTable) closed(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, counts := range s.leases {
		t.ended[m].Add(counts)
	}
	s.leases = nil
	delete(t.open, s)
}

// deadKey names a row of deadCounts.
type deadKey struct{ group, topic, class string }

// deadCounts count the records that were given up. Clients name the classes, so the rows are bounded.
type deadCounts struct {
	mu   sync.Mutex // taken after the mutex of a subscription
	rows map[deadKey]int64
}

// mostDeadRows bounds the rows. Further classes of a group and topic share a row, and then all others do.
const mostDeadRows = 200

func newDeadCounts() deadCounts { return deadCounts{rows: map[deadKey]int64{}} }

func (c *deadCounts) count(group, topic, class string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range [...]deadKey{{group, topic, class}, {group, topic, otherClasses}, {}} {
		_, known := c.rows[key]
		if known || len(c.rows) < mostDeadRows || key == (deadKey{}) {
			c.rows[key]++
			return
		}
	}
}

// otherClasses is the class of what has no row of its own.
const otherClasses = "other"

// DeadCount is how many records of a group and topic were given up with a class of error. An empty group and topic: all beyond
// the bound on rows.
type DeadCount struct {
	Group, Topic, Class string
	Records             int64
}

// Dead lists what was given up since the start, in order.
func (g *Groups) Dead() (list []DeadCount) {
	g.dead.mu.Lock()
	defer g.dead.mu.Unlock()
	for key, n := range g.dead.rows {
		list = append(list, DeadCount{key.group, key.topic, key.class, n})
	}
	slices.SortFunc(list, func(a, b DeadCount) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Class, b.Class))
	})
	return list
}

// Consumed reads the table: a row per group and topic, in order.
func (g *Groups) Consumed() []GroupTopicCounts {
	t := &g.leases
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[rowKey]endedLeases, len(t.ended))
	for m, counts := range t.ended {
		all[m] = *counts
	}
	now := time.Now()
	for s := range t.open {
		s.addLeases(all, now)
	}
	rows := make([]GroupTopicCounts, 0, len(all))
	for m, l := range all {
		rows = append(rows, GroupTopicCounts{
			Group: m.group, Topic: m.topic, Fetched: l.Fetched, Lent: l.Lent, Accepted: l.Accepted, Released: l.Released,
			Rejected: l.Rejected, Redelivered: l.Redelivered, Stale: l.stale, Leased: l.Leased, Skipped: l.Skipped, Dead: l.Dead,
			StandingAge: l.age, StandingAttempts: l.attempts,
		})
	}
	slices.SortFunc(rows, func(a, b GroupTopicCounts) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic))
	})
	return rows
}

// addLeases adds what the subscription has counted so far.
func (s *subscription) addLeases(all map[rowKey]endedLeases, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, counts := range s.leases {
		sum := all[m]
		sum.Add(counts)
		all[m] = sum
	}
	s.addStanding(all, now)
}
