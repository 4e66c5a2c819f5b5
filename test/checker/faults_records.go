package main

import (
	"context"
	"maps"
)

// recordFaults have brokers refuse some records. The others, which are under way with them, have to be
// written.
var recordFaults = []*fault{
	{
		Name: "records without key, compacted topic", Rate: 400, beside: true, set: unordered, inject: nothing,
		Topic: withProperty("cleanup.policy", "compact"), cast: accompany(keyless, 0), Nodes: everywhere,
	},
	{
		Name: "records that are too old", Rate: 400, beside: true, set: unordered, inject: nothing, Door: "http",
		Topic: withProperty("message.timestamp.before.max.ms", "3600000"), cast: accompany(old, 0),
	},
	{
		Name: "batches that are too large", Rate: 1000, beside: true, set: unordered, inject: nothing,
		Topic: withProperty("max.message.bytes", "102400"), cast: burst, Nodes: everywhere,
	},
	{
		Name: "records that are too large", Rate: 400, beside: true, set: unordered, inject: nothing,
		Topic: withProperty("max.message.bytes", "102400"), cast: accompany(large, 150_000),
	},
}

func withProperty(name, value string) layout {
	return layout{Partitions: 1, Properties: map[string]string{name: value}}
}

// unordered makes the topics, and promises no order: what was refused with others is sent again.
func unordered(ctx context.Context, t *trial) error {
	t.history.Unordered, t.history.Topics.Healthy = true, t.topics()
	return t.createAll(ctx, t.fault.Topic)
}

// accompany gives every producer but one a companion whose records are refused.
func accompany(why wrong, size int) func(*trial, map[string]task) {
	return func(_ *trial, clients map[string]task) {
		companions := map[string]task{}
		for _, role := range []string{"p1", "b1"} {
			companion := clients[role]
			companion.Bad, companion.Size = why, size
			if size > 0 {
				companion.Rate, companion.Depth = 4, 2
			}
			companions[role+"x"] = companion
		}
		maps.Copy(clients, companions)
	}
}

// burst has the producers send many small records at once.
func burst(t *trial, clients map[string]task) {
	depths := map[string]int{"p1": 400, "p2": 1000, "b1": 1000}
	for role, depth := range depths {
		client := clients[role]
		client.Depth, client.Size = depth, 300
		clients[role] = client
	}
	clients["c1"] = t.consumer("c1", 50, 0) // one by one would take too long
}
