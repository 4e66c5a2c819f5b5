package management

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// Status reads how things are.
func (s *Server) Status() Status {
	status := Status{
		Build: s.sources.Build, Started: s.sources.Started, UptimeSeconds: seconds(time.Since(s.sources.Started)),
		Readiness: s.readiness(),
		Late:      s.late(), LastReload: s.sources.LastReload(),
		Listeners: append([]Listener{}, s.sources.Listeners()...),
		Profiles:  []Profile{}, Subscriptions: []Subscription{},
	}
	if s.sources.RESP != nil {
		status.Clients = s.sources.RESP.Stats().Connections
	}
	if door := s.sources.REST(); door != nil {
		now := door.Stats()
		status.HTTP = HTTP{Clients: now.Connections, Requests: now.Requests, Waiting: now.Waiting, Instances: now.Instances}
	}
	if s.sources.Kafka == nil {
		return status
	}
	now := s.sources.Kafka.Status()
	for i := range now.Profiles {
		status.Profiles = append(status.Profiles, profile(&now.Profiles[i]))
	}
	for i := range now.Subscriptions {
		status.Subscriptions = append(status.Subscriptions, subscription(&now.Subscriptions[i]))
	}
	return status
}

func profile(p *kafka.ProfileStatus) Profile {
	shown := Profile{
		Name: p.Name, InFlight: p.InFlight, Held: p.Held, Queued: p.Queued, QueueLimit: p.QueueLimit,
		QueuedBytes: p.QueuedBytes, QueueBytesLimit: p.QueueBytesLimit, Replaced: p.Fatal, Brokers: []Broker{},
	}
	for _, b := range p.Brokers {
		shown.Brokers = append(shown.Brokers, Broker{
			ID: b.ID, Address: b.Address, State: b.State,
			RTTSeconds: b.RTT.Average.Seconds(), RTTP99Seconds: b.RTT.P99.Seconds(), ThrottleSeconds: b.Throttle.Seconds(),
		})
	}
	return shown
}

func subscription(s *kafka.SubscriptionStatus) Subscription {
	shown := Subscription{
		Group: s.Group, Topics: append([]string{}, s.Topics...), Members: []Member{}, Partitions: s.Partitions,
		Leased: s.Leased, Buffered: s.Buffered, BufferedBytes: s.BufferedBytes, Rebalances: s.Rebalances, Skipped: s.Skipped,
		OldestUnackedSeconds: seconds(s.OldestUnacked), Standing: []Standing{},
		Lagging: Lagging{Stalled: s.StalledPartitions > 0, StalledPartitions: s.StalledPartitions}, Trouble: s.Trouble,
		Failing: failing(&s.FailingStatus),
	}
	for i := range s.Standing {
		r := &s.Standing[i]
		shown.Standing = append(shown.Standing, Standing{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Attempts: r.Attempts, Seconds: seconds(r.Age), Holder: r.Holder,
		})
	}
	for _, m := range s.Members {
		shown.Members = append(shown.Members, Member(m))
	}
	if s.Lag >= 0 {
		shown.Lag = &s.Lag
	}
	if s.LagSeconds >= 0 {
		shown.LagSeconds = &s.LagSeconds
	}
	return shown
}

func failing(s *kafka.FailingStatus) Failing {
	shown := Failing{
		Failing: s.Failing, Held: s.Held, Dying: s.Dying, Dead: s.Dead, NextRetry: moment(s.NextRetry),
		Stopped: []Stopped{}, Crashers: []Crasher{}, Bounds: []Bounds{},
	}
	for _, n := range s.Stops {
		shown.StoppedPartitions += n
	}
	for i := range s.Stopped {
		p := &s.Stopped[i]
		stopped := Stopped{
			Topic: p.Topic, Partition: p.Partition, Reason: string(p.Reason), Attempts: p.Failures + p.Deaths, Held: p.Held,
			Until: moment(p.Until), Seconds: seconds(p.For), Why: p.Why,
		}
		if p.Offset >= 0 {
			stopped.Offset = &p.Offset
		}
		shown.Stopped = append(shown.Stopped, stopped)
	}
	for _, c := range s.Crashers {
		shown.Crashers = append(shown.Crashers, Crasher{Topic: c.Topic, Partition: c.Partition, Offset: c.Offset, Deaths: c.Deaths})
	}
	for i := range s.Bounds {
		b := &s.Bounds[i]
		bounds := Bounds{
			Topic: b.Topic, Breaker: string(b.Breaker), RateLimit: b.Rate.Limit, RatePerSeconds: seconds(b.Rate.Per),
			MaxConcurrency: b.MaxConcurrency, Leased: b.Leased, Next: moment(b.Next),
		}
		if b.Rate.Limit > 0 {
			bounds.RateLeft = &b.RateLeft
		}
		shown.Bounds = append(shown.Bounds, bounds)
	}
	return shown
}

// moment is a time as JSON has it; null for the zero time.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
