package rest

import (
	"net/http"
)

// apiV2 answers the calls of the Confluent REST Proxy, version 2.
type apiV2 struct {
	*service

	instances *instances
}

// newV2 makes the calls of version 2.
func newV2(s *service) *apiV2 { return &apiV2{service: s, instances: newInstances(s)} }

// routes is the table of the calls.
func (a *apiV2) routes() []route {
	return []route{
		{method: http.MethodGet, pattern: "/{$}", api: versionV2, run: root},
		{method: http.MethodGet, pattern: "/brokers", api: versionV2, run: brokers},
		{method: http.MethodGet, pattern: "/topics", api: versionV2, run: topics},
		{method: http.MethodGet, pattern: "/topics/{topic}", api: versionV2, run: topic},
		{method: http.MethodGet, pattern: "/topics/{topic}/partitions", api: versionV2, run: partitions},
		{method: http.MethodGet, pattern: "/topics/{topic}/partitions/{partition}", api: versionV2, run: partition},
		{method: http.MethodGet, pattern: "/topics/{topic}/partitions/{partition}/offsets", api: versionV2, run: offsets},
		{method: http.MethodGet, pattern: "/topics/{topic}/partitions/{partition}/records", api: versionV2, timeout: longTimeout, run: peekV2},
		{method: http.MethodPost, pattern: "/topics/{topic}", api: versionV2, run: produce},
		{method: http.MethodPost, pattern: "/topics/{topic}/partitions/{partition}", api: versionV2, run: produce},
		{method: http.MethodPost, pattern: "/consumers/{group}", api: versionV2, run: a.createInstance},
		{method: http.MethodGet, pattern: instancePath, api: versionV2, run: a.showInstance},
		{method: http.MethodDelete, pattern: instancePath, api: versionV2, run: a.deleteInstance},
		{method: http.MethodPost, pattern: instancePath + "/subscription", api: versionV2, run: a.onInstance(subscribe)},
		{method: http.MethodGet, pattern: instancePath + "/subscription", api: versionV2, run: a.onInstance(subscription)},
		{method: http.MethodDelete, pattern: instancePath + "/subscription", api: versionV2, run: a.onInstance(unsubscribe)},
		{method: http.MethodPost, pattern: instancePath + "/assignments", api: versionV2, run: a.onInstance(assign)},
		{method: http.MethodGet, pattern: instancePath + "/assignments", api: versionV2, run: a.onInstance(assignments)},
		{method: http.MethodPost, pattern: instancePath + "/positions", api: versionV2, run: a.onInstance(seek)},
		{method: http.MethodPost, pattern: instancePath + "/positions/beginning", api: versionV2, run: a.onInstance(seekBeginning)},
		{method: http.MethodPost, pattern: instancePath + "/positions/end", api: versionV2, run: a.onInstance(seekEnd)},
		{method: http.MethodGet, pattern: instancePath + "/records", api: versionV2, run: a.onInstance(instanceRecords)},
		{method: http.MethodPost, pattern: instancePath + "/offsets", api: versionV2, timeout: longTimeout, run: a.onInstance(commitOffsets)},
		{method: http.MethodGet, pattern: instancePath + "/offsets", api: versionV2, run: a.onInstance(committedOffsets)},
	}
}
