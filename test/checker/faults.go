package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// fault is something that goes wrong while clients work.
type fault struct {
	Name string
	// Settings are librdkafka's, as members of JSON, for the consumers' subscription.
	Settings []string
	// Topic is how the trial's topics are made; the zero value has the usual partitions.
	Topic layout
	// Config is sluice's configuration file, if it needs one.
	Config string
	// Rate is how many records a second each producer sends; 0 means the plan's.
	Rate int
	// Nodes are the sizes of cluster it is tried on; none means three.
	Nodes []int
	// Door is resp or http where only one of them makes sense.
	Door string

	beside   bool // hurts nothing but its own sluice, topics and clients: many are tried at a time
	long     bool // takes long, and waits to be asked for
	scripted bool // has no clients but those that inject starts

	set    func(context.Context, *trial) error // makes the topics, in the place of createAll
	cast   func(*trial, map[string]task)       // changes who the clients are
	inject func(context.Context, *trial) error
}

// on tells whether the fault is for a cluster of so many nodes.
func (f *fault) on(nodes int) bool {
	return slices.Contains(f.Nodes, nodes) || len(f.Nodes) == 0 && nodes == sizes[0]
}

// at tells whether it is for the HTTP door, or for the Redis door.
func (f *fault) at(web bool) bool {
	return f.Door == "" || f.Door == "http" == web
}

// impatient lets Kafka notice soon that a killed sluice will not come back: a member that is gone
// without a word keeps its partitions for its session timeout, 10 s unless set.
var impatient = []string{`"session.timeout.ms":2000`, `"heartbeat.interval.ms":300`}

// patient lets a member outlast brokers that stand still, on a slow machine too: one that loses its
// partitions cannot commit any more what was acknowledged meanwhile, and it rightly comes again.
var patient = []string{`"session.timeout.ms":45000`}

// modern is the group protocol of KIP-848, whose session timeout is the cluster's to say.
var modern = []string{`"group.protocol":"consumer"`}

// faults are all faults, each repeated as long as a trial lasts.
var faults = slices.Concat(processFaults, bystanderFaults, logFaults, recordFaults, failingFaults, longFaults)

// processFaults kill and stop processes.
var processFaults = []*fault{
	{Name: "nothing", inject: nothing},
	{Name: "kill -9 of clients", inject: killClients},
	{Name: "kill -9 of sluice", Settings: impatient, inject: killSluice},
	{Name: "kill -9 of sluice, KIP-848", Settings: modern, inject: killSluice},
	{Name: "SIGTERM of sluice", Settings: impatient, inject: stopSluice},
	{Name: "kill -9 of a broker", Settings: patient, inject: killBroker},
	{Name: "kill -9 of the coordinator", inject: killCoordinator, Door: "resp"},
	{Name: "a broker stopped for 5 s", Settings: patient, inject: stopBroker},
	{Name: "all brokers stopped for 5 s", Settings: patient, inject: stopBrokers},
	{Name: "brokers stopped, kill -9 of sluice", Settings: impatient, inject: stopBrokersKillSluice},
}

// findFault is the fault of that name, nil for none.
func findFault(name string) *fault {
	for _, f := range faults {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// stopTime is how long a broker is stopped.
const stopTime = 5 * time.Second

// recoveryTime is how long brokers run before they are stopped again: without it two stops are one
// long one, in which records time out.
const recoveryTime = 2 * time.Second

func nothing(ctx context.Context, t *trial) error {
	return pause(ctx, time.Until(t.until))
}

// killClients kills one client after the other, and goes on for longer than a member's grace (5 s).
func killClients(ctx context.Context, t *trial) error {
	for n := 0; n < 24 || t.more(); n++ {
		if err := errors.Join(t.crew.replace(n), pause(ctx, 300*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// killSluice kills sluice, starts it again, and waits until its consumers work again.
func killSluice(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		err := errors.Join(pause(ctx, 2*time.Second), t.kill(ctx, time.Now()), t.flowing(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}

// stopSluice ends sluice with SIGTERM and starts it again.
func stopSluice(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		err := errors.Join(pause(ctx, time.Second), t.stop(ctx), t.begin(ctx), t.flowing(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}

// flowing waits until records are acknowledged again.
func (t *trial) flowing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	before := t.recorder.count(acked)
	return harness.Until(ctx, func(context.Context) error {
		if t.recorder.count(acked) == before {
			return errors.New("nothing was acknowledged since the fault")
		}
		return nil
	})
}

// killBroker kills the coordinator of the consumers' group, which leads a third of the partitions as
// well, and starts it again a while later.
func killBroker(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		node, err := t.coordinator(ctx, t.name)
		if err != nil {
			return err
		}
		err = errors.Join(node.Kill(), pause(ctx, 2*time.Second), node.Start(), t.kafka.Ready(ctx), t.flowing(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}

// killCoordinator kills it for longer than the others wait for it: another node takes the group over.
func killCoordinator(ctx context.Context, t *trial) error {
	node, err := t.coordinator(ctx, t.name)
	if err != nil {
		return err
	}
	return errors.Join(node.Kill(), pause(ctx, succession), t.flowing(ctx), node.Start(), t.kafka.Ready(ctx), t.flowing(ctx))
}

// succession is how long it takes at most until others have what a killed node led: its session lasts 3 s.
const succession = 6 * time.Second

// stopBroker freezes the coordinator of the group.
func stopBroker(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		node, err := t.coordinator(ctx, t.name)
		if err != nil {
			return err
		}
		err = errors.Join(freeze(ctx, stopTime, node), t.flowing(ctx), pause(ctx, recoveryTime))
		if err != nil {
			return err
		}
	}
	return nil
}

// stopBrokers freezes all of Kafka.
func stopBrokers(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		if err := errors.Join(freeze(ctx, stopTime, t.kafka.Nodes...), t.flowing(ctx), pause(ctx, recoveryTime)); err != nil {
			return err
		}
	}
	return nil
}

// freeze stops nodes for a while.
func freeze(ctx context.Context, d time.Duration, nodes ...*harness.KafkaNode) error {
	var errs []error
	for _, node := range nodes {
		errs = append(errs, node.Pause())
	}
	errs = append(errs, pause(ctx, d))
	return errors.Join(append(errs, thaw(nodes))...)
}

func thaw(nodes []*harness.KafkaNode) error {
	var errs []error
	for _, node := range nodes {
		errs = append(errs, node.Resume())
	}
	return errors.Join(errs...)
}

// stopBrokersKillSluice kills sluice when nothing it does can reach Kafka.
func stopBrokersKillSluice(ctx context.Context, t *trial) error {
	for again := true; again; again = t.more() {
		since := time.Now()
		var errs []error
		for _, node := range t.kafka.Nodes {
			errs = append(errs, node.Pause())
		}
		errs = append(errs, pause(ctx, time.Second), t.kill(ctx, since), thaw(t.kafka.Nodes), t.flowing(ctx))
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}
