package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// longFaults take longer than sessions and time-outs do. Partitions that a sluice loses meanwhile come back to it, as
// the group has no other: nothing that it has accepted comes again.
var longFaults = []*fault{
	{Name: "kill -9 of the coordinator, KIP-848", Settings: modern, long: true, inject: killCoordinator},
	{Name: "the coordinator stopped for 14 s", long: true, inject: stopCoordinatorFor(14 * time.Second)},
	{Name: "all brokers stopped for 14 s", long: true, Nodes: everywhere, inject: stopBrokersFor(14 * time.Second)},
	{Name: "all brokers stopped for 40 s", long: true, Nodes: everywhere, inject: stopBrokersFor(40 * time.Second)},
	{Name: "sluice stopped for 14 s", long: true, beside: true, inject: stopSluiceFor(14 * time.Second)},
	{Name: "sluice stopped for 14 s, KIP-848", Settings: modern, long: true, beside: true, inject: stopSluiceFor(14 * time.Second)},
	{
		Name: "a neighbour under-replicated for 40 s", Settings: patient, long: true, set: setNeighbour,
		inject: neighbour(40 * time.Second),
	},
	{Name: "a broker of three silent for 30 s", Settings: patient, long: true, set: setSilent, inject: silent(30 * time.Second)},
}

// stopCoordinatorFor freezes the coordinator for longer than a session lasts.
func stopCoordinatorFor(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		node, err := t.coordinator(ctx, t.name)
		if err != nil {
			return err
		}
		t.history.Reset = true
		return errors.Join(freeze(ctx, d, node), t.flowing(ctx), pause(ctx, recoveryTime))
	}
}

// stopBrokersFor freezes all of Kafka for longer than a session lasts.
func stopBrokersFor(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		t.history.Reset = true
		return errors.Join(freeze(ctx, d, t.kafka.Nodes...), t.flowing(ctx), pause(ctx, recoveryTime))
	}
}

// stopSluiceFor freezes sluice for longer than a session lasts.
func stopSluiceFor(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		t.history.Reset = true
		return errors.Join(t.sluice.Signal(syscall.SIGSTOP), pause(ctx, d), t.sluice.Signal(syscall.SIGCONT),
			t.flowing(ctx), pause(ctx, recoveryTime))
	}
}
