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
