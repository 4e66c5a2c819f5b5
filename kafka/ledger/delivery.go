package ledger

import "github.com/sluice-proxy/sluice/kafka/record"

// Delivery is a record on its way to a member, and how often it was handed out, this time included. Generation is the
// number of the ledger that the record came from. A partition that was away, or was set back, has a ledger of another
// generation: what was lent before that cannot be settled any more.
type Delivery struct {
	record.Record
	Attempt    int
	Generation uint64
}
