package consumer

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// GroupTopicCounts counts what a group was lent of one topic since the start. Every lease ends in one way, so Lent is always
// the sum of Accepted, Released, Rejected and Leased. The row outlives its subscription.
type GroupTopicCounts struct {
	Group, Topic string // both empty: everything beyond the bound on rows

	Fetched     int64 // records taken from the brokers
	Lent        int64 // leases: a record counts each time that a member is lent it
	Accepted    int64 // leases that ended with an acknowledgement
	Released    int64 // leases that ended without one: given back, or taken back from a member, or with the partition
	Rejected    int64 // leases that ended with a rejection
	Dead        int64 // records that were given up, and are settled: their dead letters are written, or they were dropped
	Redelivered int64 // of Lent, records that had been lent before
	Stale       int64 // settlements of records that the member did not owe, or not any more
	Leased      int64 // leases that have not ended
	Skipped     int64 // records that the log lost before the group got them

	Failing int // records that have failed and are not settled
	Held    int // records that wait: for their time, or behind another one of their key
	Dying   int // records that are given up, and whose dead letters are being written
	Deaths  int // clients that have ended while they held the same unsettled record; the largest over records

	// The worst of the standing records, which hold back the commits of their partition. Age is the time since a record
	// was lent first, Attempts how often it was lent. Zero: there is none.
	StandingAge      time.Duration
	StandingAttempts int
}

// SubscriptionStatus is what an open subscription does now.
type SubscriptionStatus struct {
	Group   string
	Topics  []string
	Members []ledger.MemberStatus // by name

	Partitions        int                     // assigned to this proxy
	Leased            int                     // records that members hold
	Buffered          int                     // records in memory that wait to be lent
	BufferedBytes     int64                   // the size of these records
	Rebalances        int64                   // assignments and revocations of the group's consumers in this proxy, since the start
	Skipped           int64                   // records that the log lost before they came, since the subscription was opened
	OldestUnacked     time.Duration           // the time since a standing record was lent first; the largest over partitions
	Standing          []ledger.StandingRecord // standing records that were lent often, or are older than Config.Consume.StallAfter; the oldest first, ten at most
	Lag               int64                   // records that the group has not committed, in all partitions of the subscription's topics; -1: not known
	LagSeconds        float64                 // age in seconds of the oldest record that is not settled here; -1: not known
	StalledPartitions int                     // partitions with a lag of which nothing was committed for Config.Consume.StallAfter, whoever has them
	Trouble           string                  // why no records may come; empty: nothing is wrong
	Unreadable        int                     // partitions that wait at a batch that cannot be read
	FailingStatus
}

// FailingStatus is what a subscription has of records that have failed.
type FailingStatus struct {
	Failing   int                       // records that have failed and are not settled
	Held      int                       // records that wait: for their time, or behind another one of their key
	Dying     int                       // records that are given up, and whose dead letters are being written
	Dead      int64                     // records of the group that were given up since the start of this proxy
	NextRetry time.Time                 // when the next record's time comes; the zero time: none waits for it
	Stopped   []StoppedPartition        // by topic and partition, twenty at most
	Stops     map[ledger.StopReason]int // how many partitions are stopped, also of those that Stopped leaves out
	Crashers  []Crasher                 // of each topic the record that most clients have died of
	Bounds    []TopicBounds             // of topics with a breaker, or with a bound on what is lent; by topic
}

// Crasher is a record of which clients have died.
type Crasher struct {
	record.PartitionOffset
	Deaths int
}

// TopicBounds say how much of a topic may be lent now.
type TopicBounds struct {
	Topic          string
	Breaker        failures.BreakerState // empty: the topic has none
	Rate           failures.Rate         // a Limit of 0: none
	RateLeft       int                   // records that may be lent of it now
	MaxConcurrency int                   // 0: no bound
	Leased         int                   // that members hold
	Next           time.Time             // when rate and breaker let the next record through; the zero time: now
}

// Status lists the open subscriptions, by group and topics.
func (g *Groups) Status() []SubscriptionStatus {
	var all []SubscriptionStatus
	now, lags := time.Now(), g.cluster.Lags()
	for _, sub := range g.open() {
		status := sub.status(now)
		status.Rebalances = g.leases.rebalancesOf(sub.group)
		status.StalledPartitions = g.cluster.Stalled(sub.group, sub.topicSet)
		status.measure(lags, sub.topicSet)
		all = append(all, status)
	}
	return all
}

func (s *subscription) status(now time.Time) SubscriptionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := SubscriptionStatus{
		Group: s.group, Topics: s.topics, Members: s.dispatch.Members(), Partitions: s.dispatch.Size(), Leased: s.dispatch.Leased(),
		Lag: -1, LagSeconds: -1,
	}
	for l := range s.dispatch.Partitions() {
		records, bytes := l.Ledger().Ready()
		status.Buffered += records
		status.BufferedBytes += int64(bytes)
		if r, ok := l.Ledger().Standing(now); ok {
			status.OldestUnacked = max(status.OldestUnacked, r.Age)
		}
	}
	for _, counts := range s.leases {
		status.Skipped += counts.Skipped
	}
	status.Standing = s.dispatch.Standing(now, s.groups.config().Consume.StallAfter, mostStanding)
	if obstacle := s.obstacles.first(); obstacle != nil {
		status.Trouble = obstacle.Error()
	}
	status.Unreadable = len(s.obstacles.unreadable)
	status.FailingStatus = s.failingStatus(now)
	return status
}

// failingStatus is what the subscription has of failed records. The subscription's mu is held.
func (s *subscription) failingStatus(now time.Time) FailingStatus {
	status := FailingStatus{Dead: s.failed.dead.Load(), NextRetry: s.dispatch.NextDue(now), Stops: map[ledger.StopReason]int{}}
	for p := range s.dispatch.Partitions() {
		failing, held, dying := p.Ledger().Waiting()
		status.Failing, status.Held, status.Dying = status.Failing+failing, status.Held+held, status.Dying+dying
	}
	status.Stopped = s.stopped(now)
	for i := range status.Stopped {
		status.Stops[status.Stopped[i].Reason]++
	}
	status.Stopped = status.Stopped[:min(len(status.Stopped), mostStopped)]
	for _, topic := range slices.Sorted(maps.Keys(s.failing.topics)) {
		r := s.failing.topics[topic]
		if deaths := s.deathsOf(r); deaths > 0 {
			status.Crashers = append(status.Crashers, Crasher{r.crasher, deaths})
		}
		if r.gate != nil {
			status.Bounds = append(status.Bounds, s.boundsOf(topic, r, now))
		}
	}
	return status
}

func (s *subscription) boundsOf(topic string, r *topicRules, now time.Time) TopicBounds {
	b := TopicBounds{Topic: topic, Rate: r.Rate, MaxConcurrency: r.MaxConcurrency, Leased: s.leasedOf(topic)}
	if r.Rate.Limit > 0 {
		b.RateLeft = r.meter.Room(now)
	}
	if r.Breaker.Failures > 0 {
		b.Breaker = r.circuit.State()
	}
	for _, at := range [...]time.Time{r.meter.Next(now), r.circuit.Next(now)} {
		if at.After(now) && at.After(b.Next) {
			b.Next = at
		}
	}
	return b
}

// addFailing adds the failed records of each row. The subscription's mu is held.
func (s *subscription) addFailing(all map[rowKey]endedLeases) {
	for p := range s.dispatch.Partitions() {
		m := s.rowOf(p.Topic)
		row := all[m]
		failing, held, dying := p.Ledger().Waiting()
		row.failing, row.held, row.dying = row.failing+failing, row.held+held, row.dying+dying
		all[m] = row
	}
	for topic, r := range s.failing.topics {
		if deaths := s.deathsOf(r); deaths > 0 {
			m := s.rowOf(topic)
			row := all[m]
			row.deaths = max(row.deaths, deaths)
			all[m] = row
		}
	}
}

// rowOf is the row that counts a topic. The subscription's mu is held.
func (s *subscription) rowOf(topic string) rowKey {
	if m := (rowKey{s.group, topic}); s.leases[m] != nil {
		return m
	}
	return rowKey{} // the topic has no row of its own
}

// measure sums up the lag of the subscription's topics.
func (s *SubscriptionStatus) measure(lags []cluster.PartitionLag, topics *topicset.Set) {
	for i := range lags {
		p := &lags[i]
		if p.Group != s.Group || !topics.Has(p.Topic) {
			continue
		}
		s.Lag = max(0, s.Lag) + p.Lag
		s.LagSeconds = max(s.LagSeconds, p.Seconds)
	}
}

// consumeCounts count records on their way to members.
type consumeCounts struct {
	fetched, lent, redelivered, accepted, released, rejected, stale atomic.Int64
	rebalances, commitErrors, unreadable                            atomic.Int64
	metadataRefused                                                 atomic.Int64 // commits
	assigned                                                        atomic.Int64 // partitions assigned now
}

// countAssigned counts partitions that are assigned, or with a negative n revoked. They share the memory for prefetched
// records.
func (g *Groups) countAssigned(n int64) { g.consumed.assigned.Add(n) }

// ahead is what one partition may hold before members ask for it. It is less when there are many partitions, so that the
// sum stays bounded.
func (g *Groups) ahead() ledger.Window {
	least, total := ledger.Window{Records: 64, Bytes: 64 << 10, Once: 64 << 10}, ledger.Window{Records: 64 << 10, Bytes: 128 << 20, Once: 128 << 20}
	partitions := int(max(1, g.consumed.assigned.Load()))
	return ledger.Window{
		Records: min(ledger.Plenty.Records, max(least.Records, total.Records/partitions)),
		Bytes:   min(ledger.Plenty.Bytes, max(least.Bytes, total.Bytes/partitions)),
		Once:    min(ledger.Plenty.Once, max(least.Once, total.Once/partitions)),
	}
}

// Counts are the records and events since the start, and the subscriptions and members now.
type Counts struct {
	Fetched, Lent, Redelivered, Acked, Released, Stale int64 // records
	Rebalances, CommitErrors, Unreadable               int64 // events
	MetadataRefused                                    int64 // commits whose metadata the brokers refused
	Subscriptions, Members                             int
}

// Counts reads the counters of all subscriptions.
func (g *Groups) Counts() Counts {
	c := &g.consumed
	counts := Counts{
		Fetched: c.fetched.Load(), Lent: c.lent.Load(), Redelivered: c.redelivered.Load(), Acked: c.accepted.Load(),
		Released: c.released.Load(), Stale: c.stale.Load(), Rebalances: c.rebalances.Load(), CommitErrors: c.commitErrors.Load(),
		Unreadable: c.unreadable.Load(), MetadataRefused: c.metadataRefused.Load(),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	counts.Subscriptions, counts.Members = len(g.subscriptions), len(g.members)
	return counts
}

// GroupLease is a record in the hands of a member of a group.
type GroupLease struct {
	Group string
	ledger.Lease
}

// Leases lists what the members of a group hold, or of all groups for the empty name: the oldest first, at most so many, and
// how many there are.
func (g *Groups) Leases(group string, most int) (list []GroupLease, total int) {
	now := time.Now()
	for _, s := range g.open() {
		if group != "" && s.group != group {
			continue
		}
		s.mu.Lock()
		leases := s.dispatch.Leases(now)
		s.mu.Unlock()
		for i := range leases {
			list = append(list, GroupLease{s.group, leases[i]})
		}
	}
	slices.SortFunc(list, func(a, b GroupLease) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.Group, b.Group), a.Compare(b.TopicPartition), cmp.Compare(a.Offset, b.Offset))
	})
	return list[:min(len(list), most)], len(list)
}

const (
	// mostStanding bounds the standing records that the status of a subscription lists.
	mostStanding = 10
	// standingInterval is the time between two checks for standing records.
	standingInterval = time.Second
)

// warnOfStanding logs each standing record once, and again when it has got much worse.
func (s *subscription) warnOfStanding(now time.Time) {
	if now.Sub(s.standingLookedAt) < standingInterval {
		return
	}
	s.standingLookedAt = now
	for _, r := range s.toWarnOf(now) {
		holder := cmp.Or(r.Holder, "nobody")
		record.Traced(s.log, r.Trace).Warn("record stands: it was handed out, and is not acknowledged", "record", r.String(), "attempts", r.Attempts,
			"for", r.Age.Round(time.Second).String(), "holder", holder)
	}
}

// mostWarnings bounds the warnings of one check.
const mostWarnings = 20

func (s *subscription) toWarnOf(now time.Time) []ledger.StandingRecord {
	limit := s.groups.config().Consume.StallAfter
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dispatch.StandingToWarnOf(now, limit, mostWarnings)
}

// addStanding adds the worst standing record of each row. The subscription's mu is held.
func (s *subscription) addStanding(all map[rowKey]endedLeases, now time.Time) {
	for l := range s.dispatch.Partitions() {
		r, ok := l.Ledger().Standing(now)
		if !ok {
			continue
		}
		m := s.rowOf(l.Topic)
		row := all[m]
		row.age, row.attempts = max(row.age, r.Age), max(row.attempts, r.Attempts)
		all[m] = row
	}
}
