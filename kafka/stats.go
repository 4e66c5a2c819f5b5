package kafka

import "sync/atomic"

// consumeCounts count records on their way to members.
type consumeCounts struct {
	fetched, lent, redelivered, accepted, released, stale atomic.Int64
	rebalances, commitErrors, unreadable                  atomic.Int64
	lanes                                                 atomic.Int64 // partitions assigned now
}

// countLanes follows how many partitions are assigned, to share the memory for prefetching.
func (g *Groups) countLanes(n int64) { g.consumed.lanes.Add(n) }

// ahead is what one lane may hold that nobody has asked for: plenty, less when there are many lanes, so
// that all of them together stay bounded.
func (g *Groups) ahead() window {
	least, total := window{records: 64, bytes: 64 << 10, once: 64 << 10}, window{records: 64 << 10, bytes: 128 << 20, once: 128 << 20}
	lanes := int(max(1, g.consumed.lanes.Load()))
	return window{
		records: min(plenty.records, max(least.records, total.records/lanes)),
		bytes:   min(plenty.bytes, max(least.bytes, total.bytes/lanes)),
		once:    min(plenty.once, max(least.once, total.once/lanes)),
	}
}
