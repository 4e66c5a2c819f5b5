package consumer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/failures"
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
	rebalances map[string]int64          // by group
	failed     map[string]*failureCounts // by group
}

// endedLeases is what ended subscriptions have counted, and what no ledger counts.
type endedLeases struct {
	ledger.LeaseCounts
	stale                int64
	failing, held, dying int           // records now: see ledger.Waiting
	deaths               int           // of the clients of the record that most clients have died of
	age                  time.Duration // of the worst standing record: see addStanding
	attempts             int
}

func newLeaseTable() leaseTable {
	return leaseTable{
		ended: map[rowKey]*endedLeases{}, open: map[*subscription]bool{}, rebalances: map[string]int64{}, failed: map[string]*failureCounts{},
	}
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

// failureCounts count what fails in a group, over all its subscriptions.
type failureCounts struct {
	attempts [mostAttempts + 1]atomic.Int64 // leases by attempt; the last is for all later ones
	failures [len(failureKinds)]atomic.Int64
	letters  atomic.Int64 // attempts to write a dead letter that have failed
	dead     atomic.Int64 // records given up
}

// mostAttempts bounds the attempts that are counted apart.
const mostAttempts = 10

// The kinds of failures, as indices.
const (
	clientFailed = iota
	leaseExpired
	rejected
	clientEnded
)

// failureKinds are the names of the kinds, in the order of the indices.
var failureKinds = [...]string{"released", "lease_expired", "rejected", "client_ended"}

// failuresOf returns the counts of a group. Groups beyond the bound share theirs.
func (t *leaseTable) failuresOf(group string) *failureCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.failed[group]; !known && len(t.failed) >= leaseRows {
		group = ""
	}
	if t.failed[group] == nil {
		t.failed[group] = &failureCounts{}
	}
	return t.failed[group]
}

// count counts a failure that a client has reported, or that a door has seen.
func (c *failureCounts) count(why failures.Reason) {
	kind := clientFailed
	switch why {
	case failures.LeaseExpired:
		kind = leaseExpired
	case failures.Rejected:
		kind = rejected
	}
	c.failures[kind].Add(1)
}

func (c *failureCounts) lent(attempt int) { c.attempts[min(max(attempt, 1), mostAttempts+1)-1].Add(1) }

// GroupFailures count what has failed in a group since the start.
type GroupFailures struct {
	Group string // empty: all groups beyond the bound on them
	// Attempts are leases by attempt: Attempts[1] counts the second ones, the last element all beyond those before it.
	Attempts []int64
	// Failures are by kind: released, lease_expired, rejected, client_ended.
	Failures map[string]int64
	// LetterErrors are attempts to write a dead letter that have failed.
	LetterErrors int64
	// Dead are records that were given up.
	Dead int64
}

// Failures lists what has failed, by group.
func (g *Groups) Failures() []GroupFailures {
	t := &g.leases
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]GroupFailures, 0, len(t.failed))
	for group, c := range t.failed {
		row := GroupFailures{Group: group, Failures: map[string]int64{}, LetterErrors: c.letters.Load(), Dead: c.dead.Load()}
		for i := range c.attempts {
			row.Attempts = append(row.Attempts, c.attempts[i].Load())
		}
		for kind, name := range failureKinds {
			row.Failures[name] = c.failures[kind].Load()
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b GroupFailures) int { return cmp.Compare(a.Group, b.Group) })
	return list
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

// mostClass bounds the name of a class, in bytes.
const mostClass = 100

func newDeadCounts() deadCounts { return deadCounts{rows: map[deadKey]int64{}} }

func (c *deadCounts) count(group, topic, class string) {
	class = class[:min(len(class), mostClass)]
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range [...]deadKey{{group, topic, class}, {group, topic, OtherClasses}, {}} {
		_, known := c.rows[key]
		if known || len(c.rows) < mostDeadRows || key == (deadKey{}) {
			c.rows[key]++
			return
		}
	}
}

// OtherClasses is the class of what has no row of its own.
const OtherClasses = "other"

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
			StandingAge: l.age, StandingAttempts: l.attempts, Failing: l.failing, Held: l.held, Dying: l.dying, Deaths: l.deaths,
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
	s.addFailing(all)
}
