// Package v2 is the API of the Confluent REST Proxy, version 2.
//
// Its calls read metadata, produce records, and consume with consumer instances.
package v2

import (
	"context"
	"net/http"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// API answers the calls of the Confluent REST Proxy, version 2.
type API struct {
	*exchange.Service

	instances *instances
}

// New makes the calls of version 2.
func New(s *exchange.Service) *API { return &API{Service: s, instances: newInstances(s)} }

// WaitCommitted waits until clients that are at work have committed what replies brought them, or ctx ends.
func (a *API) WaitCommitted(ctx context.Context) { a.instances.waitCommitted(ctx) }

// Close ends all consumer instances.
func (a *API) Close() { a.instances.close() }

// Counts returns how many consumer instances there are, and how many ended, by how.
func (a *API) Counts() (open int, ended map[string]int64) { return a.instances.count() }

// Routes is the table of the calls.
func (a *API) Routes() []exchange.Route {
	return []exchange.Route{
		{Method: http.MethodGet, Pattern: "/{$}", API: exchange.V2, Run: root},
		{Method: http.MethodGet, Pattern: "/brokers", API: exchange.V2, Run: brokers},
		{Method: http.MethodGet, Pattern: "/topics", API: exchange.V2, Run: topics},
		{Method: http.MethodGet, Pattern: "/topics/{topic}", API: exchange.V2, Run: topic},
		{Method: http.MethodGet, Pattern: "/topics/{topic}/partitions", API: exchange.V2, Run: partitions},
		{Method: http.MethodGet, Pattern: "/topics/{topic}/partitions/{partition}", API: exchange.V2, Run: partition},
		{Method: http.MethodGet, Pattern: "/topics/{topic}/partitions/{partition}/offsets", API: exchange.V2, Run: offsets},
		{Method: http.MethodGet, Pattern: "/topics/{topic}/partitions/{partition}/records", API: exchange.V2, Timeout: exchange.LongTimeout, Records: true, Run: readPartition},
		{Method: http.MethodPost, Pattern: "/topics/{topic}", API: exchange.V2, Run: produceRecords},
		{Method: http.MethodPost, Pattern: "/topics/{topic}/partitions/{partition}", API: exchange.V2, Run: produceRecords},
		{Method: http.MethodPost, Pattern: "/consumers/{group}", API: exchange.V2, Run: a.createInstance},
		{Method: http.MethodGet, Pattern: instancePath, API: exchange.V2, Run: a.showInstance},
		{Method: http.MethodDelete, Pattern: instancePath, API: exchange.V2, Run: a.deleteInstance},
		{Method: http.MethodPost, Pattern: instancePath + "/subscription", API: exchange.V2, Run: a.onInstance(subscribe)},
		{Method: http.MethodGet, Pattern: instancePath + "/subscription", API: exchange.V2, Run: a.onInstance(subscription)},
		{Method: http.MethodDelete, Pattern: instancePath + "/subscription", API: exchange.V2, Run: a.onInstance(unsubscribe)},
		{Method: http.MethodPost, Pattern: instancePath + "/assignments", API: exchange.V2, Run: a.onInstance(assign)},
		{Method: http.MethodGet, Pattern: instancePath + "/assignments", API: exchange.V2, Run: a.onInstance(assignments)},
		{Method: http.MethodPost, Pattern: instancePath + "/positions", API: exchange.V2, Run: a.onInstance(seek)},
		{Method: http.MethodPost, Pattern: instancePath + "/positions/beginning", API: exchange.V2, Run: a.onInstance(seekBeginning)},
		{Method: http.MethodPost, Pattern: instancePath + "/positions/end", API: exchange.V2, Run: a.onInstance(seekEnd)},
		{Method: http.MethodGet, Pattern: instancePath + "/records", API: exchange.V2, Records: true, Run: a.onInstance(instanceRecords)},
		{Method: http.MethodPost, Pattern: instancePath + "/offsets", API: exchange.V2, Timeout: exchange.LongTimeout, Run: a.onInstance(commitOffsets)},
		{Method: http.MethodGet, Pattern: instancePath + "/offsets", API: exchange.V2, Run: a.onInstance(committedOffsets)},
	}
}
