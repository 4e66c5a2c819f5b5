package kafka

import (
	"log/slog"
	"time"
)

// groupLag sums up one group.
type groupLag struct {
	lag       int64
	waiting   int64 // of these, what there is to do about
	committed int64 // sum of what is committed: it moves when anything is
}

// add adds a partition. drained: it is assigned here, and everything that came of it is settled; the one
// offset that is left is then a transaction's marker, which no consumer ever sees.
func (g *groupLag) add(p *PartitionLag, drained bool) {
	g.lag += p.Lag
	g.committed += p.Committed + 1
	if !drained || p.Lag > 1 {
		g.waiting += p.Lag
	}
}

// progress follows whether a group gets on.
type progress struct {
	groupLag
	since   time.Time // when it last did, or had nothing to do
	stalled bool
}

// observe takes a reading. comparable is false when there was none just before: nothing is known of the
// time between.
func (p *progress) observe(now groupLag, at time.Time, comparable bool, limit time.Duration, log *slog.Logger, leased int) {
	moved := now.committed != p.committed || now.waiting == 0
	if moved || !comparable {
		p.since = at
	}
	p.groupLag = now
	switch {
	case p.stalled && moved:
		p.stalled = false
		log.Info("group gets on again", "lag", now.lag)
	case !p.stalled && at.Sub(p.since) >= limit:
		p.stalled = true
		log.Warn("group stalled: nothing was committed", "for", at.Sub(p.since).Round(time.Second), "lag", now.lag, "leased", leased)
	}
}
