package kafka

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
	produced := c.produced.sum()
	s := Stats{
		Accepted: produced.Accepted, Ended: produced.Ended, Pending: produced.Pending(), UnknownEvents: c.produced.unknownEvents.Load(),
		Fetched: c.consumed.fetched.Load(), Lent: c.consumed.lent.Load(), Redelivered: c.consumed.redelivered.Load(),
		Acked: c.consumed.accepted.Load(), Released: c.consumed.released.Load(), Stale: c.consumed.stale.Load(),
		Rebalances: c.consumed.rebalances.Load(), CommitErrors: c.consumed.commitErrors.Load(),
		Unreadable: c.consumed.unreadable.Load(),
	}
	for _, p := range c.producerPart.all {
		held := p.held.Load()
		s.Accepted += held
		s.Pending += held
		s.Replaced += p.fatal.Load()
	}
	s.Subscriptions, s.Members = c.groupPart.count()
	return s
}
