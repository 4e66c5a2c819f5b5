package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/producer"
)

// ProduceCounts count what a client produces.
type ProduceCounts = producer.Counts

// ConsumeCounts count what a client's groups consume.
type ConsumeCounts = consumer.Counts

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
