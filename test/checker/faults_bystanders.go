package main

import (
	"context"
	"errors"
	"time"
)

// bystanderFaults take brokers from some topics. The others must not notice.
var bystanderFaults = []*fault{
	{Name: "an under-replicated neighbour", Settings: patient, set: setNeighbour, inject: neighbour(6 * time.Second), Door: "resp"},
	{Name: "one silent broker of three", Settings: patient, set: setSilent, inject: silent(6 * time.Second), Door: "resp"},
}

// neighbour takes a replica from a topic that needs all three, for as long as given.
func neighbour(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		coordinator, err := t.coordinator(ctx, t.name)
		if err != nil {
			return err
		}
		replica := t.others(coordinator)[0]
		if replica.ID == leader { // of the healthy topics
			replica = t.others(coordinator)[1]
		}
		if err := t.crew.hire("n1", t.through(task{Command: "RPUSH", Topic: t.history.Topics.Sick[0], Rate: 100})); err != nil {
			return err
		}
		return errors.Join(pause(ctx, time.Second), replica.Kill(), pause(ctx, d), replica.Start(), t.kafka.Ready(ctx), t.flowing(ctx))
	}
}

// leader is the node that leads the topics which must not notice.
const leader = 1

// setNeighbour makes healthy topics and one that needs all replicas, all led by one node.
func setNeighbour(ctx context.Context, t *trial) error {
	t.history.Topics.Sick = []string{t.name + "-all-replicas"}
	t.history.Topics.Healthy = t.topics()
	replicas := []int32{leader, 2, 3}
	if err := t.createAll(ctx, layout{Replicas: replicas}); err != nil {
		return err
	}
	return t.create(ctx, t.history.Topics.Sick[0], layout{
		Replicas: replicas, Properties: map[string]string{"min.insync.replicas": "3"},
	})
}

// silent freezes a node that has no part in the healthy topics. Then one of these is used for the first time,
// while producers fill sluice with records for the silent node.
func silent(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		flood := t.through(task{Command: "RPUSHX", Topic: t.history.Topics.Sick[0], Rate: floodRate, Depth: floodRate / 20})
		for _, role := range []string{"n1", "n2", "n3"} {
			if err := t.crew.hire(role, flood); err != nil {
				return err
			}
		}
		if err := errors.Join(pause(ctx, time.Second), t.silent.Pause(), pause(ctx, time.Second)); err != nil {
			return err
		}
		fresh := t.through(task{Command: "RPUSH", Topic: t.history.Topics.Fresh, Rate: 100})
		if err := errors.Join(t.crew.hire("p3", fresh), pause(ctx, d)); err != nil {
			return err
		}
		return errors.Join(t.silent.Resume(), t.flowing(ctx), pause(ctx, recoveryTime))
	}
}

// floodRate is how many records a second each of three producers sends to the silent node: together as many as
// sluice's queue holds in 17 s.
const floodRate = 2000

// setSilent chooses a node that does not coordinate the group, and makes healthy topics on the two others.
func setSilent(ctx context.Context, t *trial) error {
	coordinator, err := t.coordinator(ctx, t.name)
	if err != nil {
		return err
	}
	t.silent = t.others(coordinator)[0]
	var healthy []int32
	for _, node := range t.others(t.silent) {
		healthy = append(healthy, int32(node.ID))
	}
	t.history.Topics.Fresh = t.name + "-fresh"
	t.history.Topics.Sick = []string{t.name + "-silent"}
	t.history.Topics.Healthy = t.topics()
	if err := t.createAll(ctx, layout{Replicas: healthy}); err != nil {
		return err
	}
	return t.create(ctx, t.history.Topics.Sick[0], layout{
		Replicas: []int32{int32(t.silent.ID)}, Properties: map[string]string{"min.insync.replicas": "1"},
	})
}
