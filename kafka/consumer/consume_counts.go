package consumer

import (
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/ledger"
)

// consumeCounts count records on their way to members.
type consumeCounts struct {
	fetched, lent, redelivered, accepted, released, stale atomic.Int64
	rebalances, commitErrors, unreadable                  atomic.Int64
	lanes                                                 atomic.Int64 // partitions assigned now
}

// countLanes follows how many partitions are assigned, to share the memory for prefetching.
func (g *Groups) countLanes(n int64) { g.consumed.lanes.Add(n) }

// ahead is what one partition may hold that nobody has asked for: plenty, less when there are many partitions, so
// that all of them together stay bounded.
func (g *Groups) ahead() ledger.Window {
	least, total := ledger.Window{Records: 64, Bytes: 64 << 10, Once: 64 << 10}, ledger.Window{Records: 64 << 10, Bytes: 128 << 20, Once: 128 << 20}
	lanes := int(max(1, g.consumed.lanes.Load()))
	return ledger.Window{
		Records: min(ledger.Plenty.Records, max(least.Records, total.Records/lanes)),
		Bytes:   min(ledger.Plenty.Bytes, max(least.Bytes, total.Bytes/lanes)),
		Once:    min(ledger.Plenty.Once, max(least.Once, total.Once/lanes)),
	}
}

// ConsumeCounts count records and events since the start, and what is there now.
type Counts struct {
	Fetched, Lent, Redelivered, Acked, Released, Stale int64 // records
	Rebalances, CommitErrors, Unreadable               int64 // events
	Subscriptions, Members                             int
}

// counts reads the counters of all subscriptions.
func (g *Groups) Counts() Counts {
	c := &g.consumed
	counts := Counts{
		Fetched: c.fetched.Load(), Lent: c.lent.Load(), Redelivered: c.redelivered.Load(), Acked: c.accepted.Load(),
		Released: c.released.Load(), Stale: c.stale.Load(), Rebalances: c.rebalances.Load(), CommitErrors: c.commitErrors.Load(),
		Unreadable: c.unreadable.Load(),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	counts.Subscriptions, counts.Members = len(g.subscriptions), len(g.members)
	return counts
}
