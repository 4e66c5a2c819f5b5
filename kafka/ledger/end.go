package ledger

// End says that no more records come below an offset: the log ends there for now. What else it has below is no record,
// as a transaction's marker, or is not for this group, as what was aborted. Once all that came is settled, the offset is
// the position. A ledger that has settled nothing, and does not know where it begins, keeps it in mind.
func (l *Ledger) End(offset int64) {
	l.fetched, l.end = max(l.fetched, offset-1), max(l.end, offset)
	l.trim()
}
