package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// one is a topic of which everything is in one partition.
var one = layout{Partitions: 1}

// everywhere is for faults that look different on one node and on three.
var everywhere = []int{3, 1}

// logFaults replace, cut and extend logs under a group. Records that are not there any more are nobody's
// loss; every other one has to be handed out, whatever was committed before.
var logFaults = []*fault{
	recreated(100*time.Millisecond, many),
	recreated(300*time.Millisecond, few),
	recreated(time.Second, many),
	recreated(3*time.Second, few),
	{
		Name: "re-created between producers", Settings: impatient, Rate: 200, Nodes: everywhere,
		beside: true, inject: recreateBetween,
	},
	{
		Name: "committed beyond the end", Topic: one, Settings: impatient, Nodes: everywhere,
		beside: true, scripted: true, inject: commitBeyond,
	},
	{
		Name: "log cut behind a group", Topic: one, Settings: impatient, Nodes: []int{1},
		scripted: true, inject: cutLog,
	},
	{
		Name: "retention passes a consumer", Topic: one, Config: "consume:\n  window_records: 50\n", Nodes: everywhere,
		beside: true, scripted: true, inject: passConsumer,
	},
	{
		Name: "retention passes a stopped sluice", Topic: one, Settings: impatient, Nodes: everywhere,
		beside: true, scripted: true, inject: passStopped,
	},
	{Name: "partitions added", Rate: 200, Nodes: everywhere, beside: true, inject: addPartitions},
}

// How many records a topic gets that was created again: fewer than the group had taken of the old one, or more.
const (
	few  = 20
	many = 1000
)

// How many records the old log has, and how many of them the group takes before it is gone.
const (
	oldRecords = 500
	oldTaken   = 300
)

// calmTime is how long a reader waits for records that may not come.
const calmTime = 3 * time.Second

// recreated deletes a topic under a consumer and creates it again.
func recreated(gap time.Duration, fresh int) *fault {
	return &fault{
		Name:  fmt.Sprintf("re-created after %g s, %d records", gap.Seconds(), fresh),
		Topic: one, Settings: impatient, Nodes: everywhere, beside: true, scripted: true,
		inject: func(ctx context.Context, t *trial) error { return t.recreate(ctx, gap, fresh) },
	}
}

// recreate has sluice work on with what it has of the old log, and die when it has acknowledged some of the new.
func (t *trial) recreate(ctx context.Context, gap time.Duration, fresh int) error {
	if err := t.plant(ctx, oldRecords); err != nil {
		return err
	}
	r, err := t.reader("r1")
	if err != nil {
		return err
	}
	defer func() { r.close() }()
	if err := r.take(ctx, oldTaken, startTime); err != nil {
		return err
	}
	if t.history.Gone, err = t.read(ctx, t.name); err != nil {
		return err
	}
	since := time.Now()
	err = errors.Join(t.remove(ctx, t.name), pause(ctx, gap), t.createAll(ctx, t.fault.Topic))
	t.excuse(since) // until sluice has noticed, a commit interval at most
	t.history.Reset = true
	err = errors.Join(err, r.take(ctx, (oldRecords-oldTaken)/2, calmTime),
		t.plant(ctx, fresh),
		r.take(ctx, fresh/5, calmTime),
		pause(ctx, commitBound))
	if err != nil {
		return err
	}
	return t.succeed(ctx, time.Now())
}

// recreateBetween replaces the topics while consumers are at work, and sluice's producers know the old ones.
func recreateBetween(ctx context.Context, t *trial) error {
	err := errors.Join(pause(ctx, recoveryTime), t.crew.stop(false), t.flushed(ctx))
	if err != nil {
		return err
	}
	for _, topic := range t.topics() {
		old, err := t.read(ctx, topic)
		if err != nil {
			return err
		}
		t.history.Gone = append(t.history.Gone, old...)
	}
	since := time.Now()
	for _, topic := range t.topics() {
		err = errors.Join(err, t.remove(ctx, topic))
	}
	err = errors.Join(err, pause(ctx, time.Second), t.createAll(ctx, t.fault.Topic))
	t.excuse(since)
	t.history.Reset = true
	clients := t.clients()
	for _, role := range []string{"p1", "b1"} {
		err = errors.Join(err, t.crew.hire(role+"-again", t.through(clients[role])))
	}
	return errors.Join(err, pause(ctx, 2*calmTime))
}

// succeed kills sluice and lets another consumer take the rest from its successor.
func (t *trial) succeed(ctx context.Context, since time.Time) error {
	if err := t.kill(ctx, since); err != nil {
		return err
	}
	return t.crew.hire("c", t.through(t.consumer("c", 50, 0)))
}

// plant writes records to partition 0, past sluice.
func (t *trial) plant(ctx context.Context, n int) error {
	return t.plantSized(ctx, n, 0)
}

func (t *trial) plantSized(ctx context.Context, n, size int) error {
	from := task{Name: planter, Size: size}
	values := make([]string, n)
	for i := range values {
		values[i] = from.value(t.planted)
		t.planted++
	}
	client, err := harness.OpenAdmin(t.kafka.Brokers()) // a producer that is new knows nothing of a log that is gone
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Produce(ctx, t.name, 0, nil, values...)
}

// commitBeyond has a group begin where the log does not reach yet, and the log grow past that.
func commitBeyond(ctx context.Context, t *trial) error {
	const end, committed, grown = 1000, 5000, 6000
	err := errors.Join(t.plant(ctx, end), t.admin.Commit(ctx, t.name, t.name, 0, committed))
	if err != nil {
		return err
	}
	r, err := t.reader("r1")
	if err != nil {
		return err
	}
	defer r.close()
	err = errors.Join(r.take(ctx, end/5, startTime), pause(ctx, commitBound), t.kill(ctx, time.Now()),
		t.plant(ctx, grown-end))
	if err != nil {
		return err
	}
	return t.crew.hire("c", t.through(t.consumer("c", 50, 0)))
}

// cutLog has a log lose its end while its broker is away, as one does that was not flushed or is restored
// from a copy; then it grows past what the group has committed.
func cutLog(ctx context.Context, t *trial) error {
	const cut = 200
	if err := t.plant(ctx, cut); err != nil {
		return err
	}
	node := t.kafka.Nodes[0]
	copied, err := node.CopyLog(t.name, 0)
	if err != nil {
		return err
	}
	defer copied.Remove()
	if err := t.plant(ctx, oldRecords-cut); err != nil {
		return err
	}
	r, err := t.reader("r1")
	if err != nil {
		return err
	}
	defer r.close()
	if err := errors.Join(r.take(ctx, oldTaken, startTime), pause(ctx, commitBound)); err != nil {
		return err
	}
	all, err := t.read(ctx, t.name)
	if err != nil {
		return err
	}
	t.history.Gone, t.history.Reset = all[cut:], true
	began := time.Now()
	err = errors.Join(node.Kill(), copied.Restore(), node.Start(), t.kafka.Ready(ctx), t.known(ctx, t.name),
		t.plant(ctx, few), r.take(ctx, few, calmTime), t.plant(ctx, many), r.take(ctx, few, calmTime), pause(ctx, commitBound))
	if err != nil {
		return err
	}
	t.excuse(began.Add(-startTime)) // the group is reset to the beginning: what is left of the log comes again
	return t.succeed(ctx, time.Now())
}

// passConsumer deletes what a group has not been handed yet, far beyond what sluice has in memory.
func passConsumer(ctx context.Context, t *trial) error {
	const records, size, left = 12_000, 1000, 1000
	if err := t.plantSized(ctx, records, size); err != nil {
		return err
	}
	r, err := t.reader("r1")
	if err != nil {
		return err
	}
	err = errors.Join(r.take(ctx, few, startTime), t.deleteBelow(ctx, records-left), r.take(ctx, few, startTime))
	r.close()
	if err != nil {
		return err
	}
	return t.crew.hire("c", t.through(t.consumer("c", 50, 0)))
}

// passStopped deletes what a group has not been handed yet while its sluice is not there.
func passStopped(ctx context.Context, t *trial) error {
	const records, left = 3000, 1000
	if err := t.plant(ctx, records); err != nil {
		return err
	}
	r, err := t.reader("r1")
	if err != nil {
		return err
	}
	err = r.take(ctx, few, startTime)
	r.close()
	err = errors.Join(err, t.stop(ctx), t.deleteBelow(ctx, records-left), t.begin(ctx))
	if err != nil {
		return err
	}
	return t.crew.hire("c", t.through(t.consumer("c", 50, 0)))
}

// deleteBelow deletes the records below an offset, and notes which those were.
func (t *trial) deleteBelow(ctx context.Context, offset int64) error {
	all, err := t.read(ctx, t.name)
	if err != nil {
		return err
	}
	t.history.Deleted = all[:offset]
	return t.admin.DeleteRecords(ctx, t.name, 0, offset)
}

// addPartitions gives the topics more partitions, and at once produces to these: over HTTP by their numbers.
func addPartitions(ctx context.Context, t *trial) error {
	const more = 2 * partitions
	for _, topic := range t.topics() {
		if err := t.admin.AddPartitions(ctx, topic, more); err != nil {
			return err
		}
	}
	for p := partitions; p < more; p += 2 {
		client := t.through(task{Command: "RPUSH", Topic: t.name, Rate: t.fault.Rate})
		if client.Web {
			client.Partition = p
		}
		if err := t.crew.hire(fmt.Sprint("n", p), client); err != nil {
			return err
		}
	}
	return pause(ctx, 2*calmTime)
}
