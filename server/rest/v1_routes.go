package rest

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/server/lender"
)

// apiV1 answers the calls below /v1.
type apiV1 struct {
	*service

	lenders *lender.Lenders
	// heartbeat is how long a stream may be silent, and patience how long a client may take to read a piece of records.
	heartbeat, patience time.Duration
}

// newV1 makes the calls below /v1.
func newV1(s *service) *apiV1 {
	return &apiV1{service: s, lenders: lender.New(s.kafka, s.options().Register), heartbeat: longestSilence, patience: writeTimeout}
}

// routes is the table of the calls.
func (a *apiV1) routes() []route {
	return []route{
		{method: http.MethodPost, pattern: "/v1/topics/{topic}/records", api: versionV1, run: records},
		{method: http.MethodGet, pattern: "/v1/topics/{topic}/partitions/{partition}/records", api: versionV1, timeout: longTimeout, run: peek},
		{method: http.MethodGet, pattern: "/v1/groups/{group}/messages", api: versionV1, run: a.messages},
		{method: http.MethodPost, pattern: "/v1/groups/{group}/acks", api: versionV1, run: a.acks},
		{method: http.MethodGet, pattern: "/v1/groups/{group}/offsets", api: versionV1, timeout: longTimeout, run: groupOffsets},
		{method: http.MethodPut, pattern: "/v1/groups/{group}/offsets", api: versionV1, run: setGroupOffsets},
	}
}
