package ledger

import (
	"fmt"
)

// Plenty is what a partition holds ahead of its members when there are few partitions.
var Plenty = Window{Records: 1024, Bytes: 1 << 20, Once: 8 << 20}

// Window bounds what one member may owe and what one partition may span.
type Window struct {
	Records int
	Bytes   int
	Once    int // of what a partition holds ahead: bytes that one fetch may bring, where records are large
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

// full tells whether the member's leases fill the window. Records to be lent again do not count: they
// are owed already.
func (w Window) full(s *Member) bool {
	return s.leases > 0 && s.leases == s.owed && w.brimming(s)
}

// brimming tells whether what the member owes fills its window: nothing but that is lent to it.
func (w Window) brimming(s *Member) bool {
	n := max(1, s.windows)
	return s.owed >= n*w.Records || s.owed > 0 && s.owedBytes >= n*w.Bytes
}

// room is how many more records the ledger may take.
func (w Window) room(l *Ledger) int {
	if l.tallies.bytes >= w.Bytes && l.Span() > 0 {
		return 0
	}
	return max(0, w.Records-l.Span())
}
