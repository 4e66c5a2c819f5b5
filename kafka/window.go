package kafka

import (
	"fmt"
	"slices"
)

// plenty is what a lane holds ahead of its members when there are few lanes.
var plenty = window{records: 1024, bytes: 1 << 20, once: 8 << 20}

// window bounds what one seat may owe and what one partition may span.
type window struct {
	records int
	bytes   int
	once    int // of what a lane holds ahead: bytes that one fetch may bring, where records are large
}

// WindowError tells a member that it must settle before it is lent more.
type WindowError struct {
	Records, MaxRecords int
	Bytes, MaxBytes     int
}

func (e *WindowError) Error() string {
	return fmt.Sprintf("%d records (%d bytes) are not acknowledged and the window is %d records or %d bytes: "+
		"acknowledge with RPUSH acks <topic>:<partition>:<offset>, or ask for automatic acknowledgement with {\"sluice.ack\":\"auto\"}",
		e.Records, e.Bytes, e.MaxRecords, e.MaxBytes)
}

// full tells whether the seat's leases fill the window. Records to be lent again do not count: they
// are owed already.
func (d *Dispatch) full(s *Seat) bool {
	return s.leases > 0 && s.leases == s.owed && d.brimming(s)
}

// brimming tells whether what the seat owes fills its window: nothing but that is lent to it.
func (d *Dispatch) brimming(s *Seat) bool {
	n := max(1, s.windows)
	return s.owed >= n*d.window.records || s.owed > 0 && s.owedBytes >= n*d.window.bytes
}

// stuck tells whether a partition that the seat holds can take no more because of what it owes.
func (d *Dispatch) stuck(s *Seat) bool {
	if s.owed == 0 {
		return false
	}
	return slices.ContainsFunc(d.lanes, func(l *lane) bool {
		return l.holder == s && l.ledger.owed > 0 && l.ledger.ready == 0 && d.room(l) == 0
	})
}

// room is how many more records the lane may take.
func (d *Dispatch) room(l *lane) int {
	if l.ledger.bytes >= d.window.bytes && l.ledger.Span() > 0 {
		return 0
	}
	return max(0, d.window.records-l.ledger.Span())
}

// roomInBytes is how many bytes the lane may be fed, or a little more: one record comes whatever its size.
func (d *Dispatch) roomInBytes(l *lane) int {
	return max(1, min(d.ahead.once-l.ledger.readyBytes, d.window.bytes-l.ledger.bytes))
}

// noteLow remembers that the lane should be fed: librdkafka holds more of it.
func (d *Dispatch) noteLow(l *lane) {
	if l.more && l.ledger.ready < d.ahead.records/4 {
		d.low = true
	}
}

// Wants is how many records the lane should be fed: none while it has enough to lend, in records or
// in bytes, or while what is unsettled fills its window.
func (d *Dispatch) Wants(l *lane) int {
	if l.closing || l.ledger.ready >= d.ahead.records/4 || l.ledger.ready > 0 && l.ledger.readyBytes >= d.ahead.bytes {
		return 0
	}
	return min(d.ahead.records-l.ledger.ready, d.room(l))
}
