package ledger

import "github.com/sluice-proxy/sluice/kafka/record"

// Delivery is a record on its way to a member, and how often it was handed out, this time included. Book
// numbers the partition's ledger that it came from: the partition has another one after it was away, or was
// set back, and what was lent from the old one cannot be settled any more.
type Delivery struct {
	record.Record
	Attempt int
	Book    uint64
}
