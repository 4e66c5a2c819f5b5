package rest

import (
	"net/http"
)

// v3Base is the path of the one cluster; the other calls are below.
const v3Base = "/v3/clusters/{cluster_id}"

// v3Routes is the table of the calls.
func v3Routes() []route {
	return []route{
		{method: http.MethodPost, pattern: v3Base + "/topics/{topic}/records", api: versionV3, run: v3Produce},
		{method: http.MethodPost, pattern: v3Base + "/topics/{topic}/records:batch", api: versionV3, run: v3Batch},
		{method: http.MethodGet, pattern: "/v3/clusters", api: versionV3, run: v3Clusters},
		{method: http.MethodGet, pattern: v3Base, api: versionV3, run: v3Resource(func(v *v3) (any, error) { return v.ofCluster(), nil })},
		{method: http.MethodGet, pattern: v3Base + "/brokers", api: versionV3, run: v3Resource((*v3).brokers)},
		{method: http.MethodGet, pattern: v3Base + "/brokers/{broker_id}", api: versionV3, run: v3Resource((*v3).broker)},
		{method: http.MethodGet, pattern: v3Base + "/topics", api: versionV3, run: v3Resource((*v3).topics)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}", api: versionV3, run: v3Resource((*v3).topic)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/configs", api: versionV3, run: v3Resource((*v3).configs)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/configs/{name}", api: versionV3, run: v3Resource((*v3).config)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/partitions", api: versionV3, run: v3Resource((*v3).partitions)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/partitions/{partition}", api: versionV3, run: v3Resource((*v3).partition)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/partitions/{partition}/replicas", api: versionV3, run: v3Resource((*v3).replicas)},
		{method: http.MethodGet, pattern: v3Base + "/topics/{topic}/partitions/{partition}/replicas/{broker_id}", api: versionV3, run: v3Resource((*v3).replica)},
		{method: http.MethodGet, pattern: v3Base + "/consumer-groups", api: versionV3, run: v3Resource((*v3).groups)},
		{method: http.MethodGet, pattern: v3Group, api: versionV3, run: v3Resource((*v3).group)},
		{method: http.MethodGet, pattern: v3Group + "/consumers", api: versionV3, run: v3Resource((*v3).consumers)},
		{method: http.MethodGet, pattern: v3Group + "/consumers/{consumer}", api: versionV3, run: v3Resource((*v3).consumer)},
		{method: http.MethodGet, pattern: v3Group + "/consumers/{consumer}/assignments", api: versionV3, run: v3Resource((*v3).assignments)},
		{method: http.MethodGet, pattern: v3Group + "/lags", api: versionV3, timeout: longTimeout, run: v3Resource((*v3).lags)},
		{method: http.MethodGet, pattern: v3Group + "/lags/{topic}/partitions/{partition}", api: versionV3, timeout: longTimeout, run: v3Resource((*v3).lag)},
		{method: http.MethodGet, pattern: v3Group + "/lag-summary", api: versionV3, timeout: longTimeout, run: v3Resource((*v3).lagSummary)},
	}
}
