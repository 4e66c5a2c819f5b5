package ledger

import "github.com/sluice-proxy/sluice/kafka/record"

// Delivery is a record on its way to a member. Attempt is 1 the first time, and one more after each attempt that failed or
// whose client died; a record that comes again for another reason keeps its number. Generation is the
// number of the ledger that the record came from. A partition that was away, or was set back, has a ledger of another
// generation: what was lent before that cannot be settled any more.
type Delivery struct {
	record.Record
	Attempt    int
	Generation uint64

	alone bool // nothing else is lent with it
}
