package consumer

import (
	"cmp"
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

const (
	// mostStanding bounds the standing records that the status of a subscription lists.
	mostStanding = 10
	// standingInterval is the time between two checks for standing records.
	standingInterval = time.Second
)

// warnOfStanding logs each standing record once, and again when it has got much worse.
func (s *subscription) warnOfStanding(now time.Time) {
	if now.Sub(s.standingLookedAt) < standingInterval {
		return
	}
	s.standingLookedAt = now
	for _, r := range s.toWarnOf(now) {
		holder := cmp.Or(r.Holder, "nobody")
		record.Traced(s.log, r.Trace).Warn("record stands: it was handed out, and is not acknowledged", "record", r.String(), "attempts", r.Attempts,
			"for", r.Age.Round(time.Second).String(), "holder", holder)
	}
}

// mostWarnings bounds the warnings of one check.
const mostWarnings = 20

func (s *subscription) toWarnOf(now time.Time) []ledger.StandingRecord {
	limit := s.groups.config().Consume.StallAfter
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dispatch.StandingToWarnOf(now, limit, mostWarnings)
}

// addStanding adds the worst standing record of each row. The subscription's mu is held.
func (s *subscription) addStanding(all map[rowKey]endedLeases, now time.Time) {
	for l := range s.dispatch.Partitions() {
		r, ok := l.Ledger().Standing(now)
		if !ok {
			continue
		}
		m := rowKey{s.group, l.Topic}
		if s.leases[m] == nil {
			m = rowKey{} // the partition's topic has no row of its own
		}
		row := all[m]
		row.age, row.attempts = max(row.age, r.Age), max(row.attempts, r.Attempts)
		all[m] = row
	}
}
