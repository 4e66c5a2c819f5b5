// Package v1 is sluice's own API, below /v1.
//
// Its calls produce records and lines of records, lend records to workers, read pieces of partitions, and read or set
// the offsets of groups.
package v1

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// API answers the calls below /v1.
type API struct {
	*exchange.Service

	Lenders *lender.Lenders
}

// New makes the calls below /v1.
func New(s *exchange.Service) *API {
	return &API{Service: s, Lenders: lender.New(s.Kafka, s.Options().Register, s.Options().Clock)}
}

// Routes is the table of the calls.
func (a *API) Routes() []exchange.Route {
	return []exchange.Route{
		{Method: http.MethodPost, Pattern: "/v1/topics/{topic}/records", API: exchange.V1, Run: records},
		{Method: http.MethodGet, Pattern: "/v1/topics/{topic}/partitions/{partition}/records", API: exchange.V1, Timeout: exchange.LongTimeout, Run: readPartition},
		{Method: http.MethodGet, Pattern: "/v1/groups/{group}/messages", API: exchange.V1, Run: a.messages},
		{Method: http.MethodPost, Pattern: "/v1/groups/{group}/acks", API: exchange.V1, Run: a.acks},
		{Method: http.MethodGet, Pattern: "/v1/groups/{group}/offsets", API: exchange.V1, Timeout: exchange.LongTimeout, Run: groupOffsets},
		{Method: http.MethodPut, Pattern: "/v1/groups/{group}/offsets", API: exchange.V1, Run: setGroupOffsets},
	}
}
