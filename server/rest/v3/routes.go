// Package v3 is the API of the Confluent REST Proxy, version 3.
//
// Its calls read the cluster and its consumer groups, change topics, and produce records. sluice has one cluster and no schemas.
package v3

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// base is the path of the one cluster; the other calls are below.
const base = "/v3/clusters/{cluster_id}"

// Routes is the table of the calls.
func Routes() []exchange.Route {
	return []exchange.Route{
		{Method: http.MethodPost, Pattern: base + "/topics/{topic}/records", API: exchange.V3, Run: produceRecords},
		{Method: http.MethodPost, Pattern: base + "/topics/{topic}/records:batch", API: exchange.V3, Run: produceBatch},
		{Method: http.MethodGet, Pattern: "/v3/clusters", API: exchange.V3, Run: clusters},
		{Method: http.MethodGet, Pattern: base, API: exchange.V3, Run: readResource(func(v *resource) (any, error) { return v.ofCluster(), nil })},
		{Method: http.MethodGet, Pattern: base + "/brokers", API: exchange.V3, Run: readResource((*resource).brokers)},
		{Method: http.MethodGet, Pattern: base + "/brokers/{broker_id}", API: exchange.V3, Run: readResource((*resource).broker)},
		{Method: http.MethodGet, Pattern: base + "/topics", API: exchange.V3, Run: readResource((*resource).topics)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}", API: exchange.V3, Run: readResource((*resource).topic)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/configs", API: exchange.V3, Run: readResource((*resource).configs)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/configs/{name}", API: exchange.V3, Run: readResource((*resource).config)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/partitions", API: exchange.V3, Run: readResource((*resource).partitions)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/partitions/{partition}", API: exchange.V3, Run: readResource((*resource).partition)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/partitions/{partition}/replicas", API: exchange.V3, Run: readResource((*resource).replicas)},
		{Method: http.MethodGet, Pattern: base + "/topics/{topic}/partitions/{partition}/replicas/{broker_id}", API: exchange.V3, Run: readResource((*resource).replica)},
		{Method: http.MethodPost, Pattern: base + "/topics", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).createTopic)},
		{Method: http.MethodPatch, Pattern: base + "/topics/{topic}", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).addPartitions)},
		{Method: http.MethodDelete, Pattern: base + "/topics/{topic}", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).deleteTopic)},
		{Method: http.MethodPut, Pattern: base + "/topics/{topic}/configs/{name}", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).setConfig)},
		{Method: http.MethodDelete, Pattern: base + "/topics/{topic}/configs/{name}", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).resetConfig)},
		{Method: http.MethodPost, Pattern: base + "/topics/{topic}/configs:alter", API: exchange.V3, Timeout: exchange.LongTimeout, Run: changeResource((*resource).alterConfigs)},
		{Method: http.MethodGet, Pattern: base + "/consumer-groups", API: exchange.V3, Run: readResource((*resource).groups)},
		{Method: http.MethodGet, Pattern: groupBase, API: exchange.V3, Run: readResource((*resource).group)},
		{Method: http.MethodGet, Pattern: groupBase + "/consumers", API: exchange.V3, Run: readResource((*resource).consumers)},
		{Method: http.MethodGet, Pattern: groupBase + "/consumers/{consumer}", API: exchange.V3, Run: readResource((*resource).consumer)},
		{Method: http.MethodGet, Pattern: groupBase + "/consumers/{consumer}/assignments", API: exchange.V3, Run: readResource((*resource).assignments)},
		{Method: http.MethodGet, Pattern: groupBase + "/lags", API: exchange.V3, Timeout: exchange.LongTimeout, Run: readResource((*resource).lags)},
		{Method: http.MethodGet, Pattern: groupBase + "/lags/{topic}/partitions/{partition}", API: exchange.V3, Timeout: exchange.LongTimeout, Run: readResource((*resource).lag)},
		{Method: http.MethodGet, Pattern: groupBase + "/lag-summary", API: exchange.V3, Timeout: exchange.LongTimeout, Run: readResource((*resource).lagSummary)},
	}
}
