package kafka

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// Status reads what the client is doing.
func (c *Client) Status() Status {
	var s Status
	for _, p := range c.producerPart.all {
		s.Profiles = append(s.Profiles, p.status())
	}
	slices.SortFunc(s.Profiles, func(a, b ProfileStatus) int { return cmp.Compare(a.Name, b.Name) })
	now, lags := time.Now(), c.Lags()
	for _, sub := range c.open() {
		status := sub.status(now)
		status.Rebalances = c.leases.rebalancesOf(sub.group)
		status.StalledPartitions = c.Stalled(sub.group, sub.interest)
		status.measure(lags, sub.interest)
		s.Subscriptions = append(s.Subscriptions, status)
	}
	return s
}

func (p *producer) status() ProfileStatus {
	held := p.held.Load()
	s := ProfileStatus{
		Name: p.profile, Held: held, InFlight: held + p.producers.produced.inFlight(p.index),
		AckLatency: p.latency.Read(), Fatal: p.fatal.Load(), Fullest: p.producers.produced.fullest(p),
	}
	p.statistics.fill(&s)
	return s
}

func (s *Subscription) status(now time.Time) SubscriptionStatus {
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
	status.Standing = s.dispatch.Standing(now, s.groups.config().StallAfter, mostStanding)
	if obstacle := s.obstacle(); obstacle != nil {
		status.Trouble = obstacle.Error()
	}
	status.Unreadable = len(s.unreadable)
	return status
}

// measure sums up the lag in the subscription's own topics.
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
