package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/producer"
)

// Stats is a snapshot of the client's counters since the start, or since ResetStats.
type Stats struct {
	Accepted      int64    // records taken from sessions
	Ended         [4]int64 // of these, by Outcome
	Pending       int64    // of these, without an outcome
	UnknownEvents int64    // reports that belonged to no session
	Replaced      int64    // producers replaced after a fatal error

	Fetched, Lent, Redelivered, Acked, Released, Stale int64
	Rebalances, CommitErrors, Unreadable               int64
	Subscriptions, Members                             int
}

// Stats reads the counters. Accepted is always the sum of Ended and Pending, but for records that
// change between two reads.
func (c *Client) Stats() Stats {
	produced, consumed := c.producers.Counts(), c.groups.Counts()
	return Stats{
		Accepted: produced.Accepted, Ended: produced.Ended, Pending: produced.Pending, UnknownEvents: produced.UnknownEvents,
		Replaced: produced.Replaced,
		Fetched:  consumed.Fetched, Lent: consumed.Lent, Redelivered: consumed.Redelivered, Acked: consumed.Acked,
		Released: consumed.Released, Stale: consumed.Stale, Rebalances: consumed.Rebalances, CommitErrors: consumed.CommitErrors,
		Unreadable: consumed.Unreadable, Subscriptions: consumed.Subscriptions, Members: consumed.Members,
	}
}

// Status is what the client is doing now.
type Status struct {
	Profiles      []producer.ProfileStatus      // by name
	Subscriptions []consumer.SubscriptionStatus // by group, then topics
}

// Status reads what the client is doing.
func (c *Client) Status() Status {
	return Status{Profiles: c.producers.Status(), Subscriptions: c.groups.Status()}
}
