package ledger

// Feed sets how much each partition is fed ahead of its members. Until the next call Low tells whether one is low.
func (d *Dispatch) Feed(ahead Window) { d.ahead, d.low = ahead, false }

// Low tells whether a partition should be fed, since the last Feed.
func (d *Dispatch) Low() bool { return d.low }

// RoomInBytes is how many bytes the partition may be fed, or a little more: one record comes whatever its size.
func (d *Dispatch) RoomInBytes(l *Partition) int {
	return max(1, min(d.ahead.Once-l.ledger.tallies.readyBytes, d.window.Bytes-l.ledger.tallies.bytes))
}

// noteLow remembers that the partition should be fed: librdkafka holds more of it.
func (d *Dispatch) noteLow(l *Partition) {
	if l.more && l.ledger.tallies.ready < d.ahead.Records/4 {
		d.low = true
	}
}

// Wants is how many records the partition should be fed: none while it has enough to lend, in records or
// in bytes, or while what is unsettled fills its window.
func (d *Dispatch) Wants(l *Partition) int {
	if l.closing || l.ledger.tallies.ready >= d.ahead.Records/4 || l.ledger.tallies.ready > 0 && l.ledger.tallies.readyBytes >= d.ahead.Bytes {
		return 0
	}
	return min(d.ahead.Records-l.ledger.tallies.ready, d.window.room(l.ledger))
}
