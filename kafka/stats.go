package kafka

import "sync/atomic"

// consumeCounts count records on their way to members.
type consumeCounts struct {
	fetched, lent, redelivered, accepted, released, stale atomic.Int64
	rebalances, commitErrors, unreadable                  atomic.Int64
	lanes                                                 atomic.Int64 // partitions assigned now
}

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
	for _, p := range c.producers {
		held := p.held.Load()
		s.Accepted += held
		s.Pending += held
		s.Replaced += p.fatal.Load()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Subscriptions, s.Members = len(c.subscriptions), len(c.members)
	return s
}

// countLanes follows how many partitions are assigned, to share the memory for prefetching.
func (c *Client) countLanes(n int64) { c.consumed.lanes.Add(n) }

// ahead is what one lane may hold that nobody has asked for: plenty, less when there are many lanes, so
// that all of them together stay bounded.
func (c *Client) ahead() window {
	least, total := window{records: 64, bytes: 64 << 10, once: 64 << 10}, window{records: 64 << 10, bytes: 128 << 20, once: 128 << 20}
	lanes := int(max(1, c.consumed.lanes.Load()))
	return window{
		records: min(plenty.records, max(least.records, total.records/lanes)),
		bytes:   min(plenty.bytes, max(least.bytes, total.bytes/lanes)),
		once:    min(plenty.once, max(least.once, total.once/lanes)),
	}
}
