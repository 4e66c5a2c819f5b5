package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/producer"
)

// The counts of what a client produces, and of what its groups consume.
type (
	ProduceCounts = producer.Counts
	ConsumeCounts = consumer.Counts
)

// Stats is a snapshot of the client's counters since the start.
type Stats struct {
	ProduceCounts
	ConsumeCounts
}

// Stats reads the counters.
func (c *Client) Stats() Stats { return Stats{c.producers.Counts(), c.groups.Counts()} }

// Status is what the client is doing now.
type Status struct {
	Profiles      []producer.ProfileStatus      // by name
	Subscriptions []consumer.SubscriptionStatus // by group, then topics
}

// Status reads what the client is doing.
func (c *Client) Status() Status {
	return Status{Profiles: c.producers.Status(), Subscriptions: c.groups.Status()}
}
