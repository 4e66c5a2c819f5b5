package ledger

// LeaseCounts counts what becomes of one topic's records in the ledgers of a subscription. They are plain
// numbers: the lock that guards the ledgers guards them, so lent is always the sum of accepted, released,
// rejected and leased. Dead are those whose dead letters are written, or that were dropped.
type LeaseCounts struct {
	Fetched, Lent, Accepted, Released, Rejected, Redelivered, Leased, Skipped, Dead int64
}

// lend begins a lease of a record that was handed out so often, this time included.
func (l *LeaseCounts) lend(attempt int) {
	l.Lent++
	l.Leased++
	if attempt > 1 {
		l.Redelivered++
	}
}

func (l *LeaseCounts) accept() { l.Leased--; l.Accepted++ }

func (l *LeaseCounts) reject() { l.Leased--; l.Rejected++ }

func (l *LeaseCounts) release() { l.Leased--; l.Released++ }

// Add adds the counts of another.
func (l *LeaseCounts) Add(o *LeaseCounts) {
	l.Fetched += o.Fetched
	l.Lent += o.Lent
	l.Accepted += o.Accepted
	l.Released += o.Released
	l.Rejected += o.Rejected
	l.Redelivered += o.Redelivered
	l.Leased += o.Leased
	l.Skipped += o.Skipped
	l.Dead += o.Dead
}
