package produce

import (
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Pending is a record whose result is not written yet.
type Pending struct {
	Line       int64
	Failure    *exchange.Failure // it was not sent; nil: it was
	until      time.Time
	Key, Value Data // as version 3 tells them
}
