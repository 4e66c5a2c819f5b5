package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// The rules about sluice as a process.
const (
	ruleEnded       = "sluice ended by itself"
	ruleStatus      = "sluice did not end with status 0 when asked to"
	ruleUncommitted = "everything is acknowledged and not everything is committed after a polite end"
	ruleUnflushed   = "sluice did not get rid of what it had buffered"
)

// partitions of each of the two topics.
const partitions = 6

// commitBound is how old an acknowledgement may be that a kill -9 forgets: sluice looks every 100 ms whether
// consume.commit_interval, a second, is over, and the commit is under way for a while; the rest is for a machine that is busy.
const commitBound = 1000*time.Millisecond + 150*time.Millisecond + 350*time.Millisecond

// Bounds of a trial's parts that end by themselves when all is well.
const (
	startTime  = 60 * time.Second // until the first record has made the round
	settleTime = 60 * time.Second // until everything is delivered, read, committed
	endTime    = 60 * time.Second // until sluice has drained
	trialTime  = 5 * time.Minute  // all of them, and a fault; beyond the duration
)

var errTrialTime = fmt.Errorf("the trial has not ended within %s", trialTime)

// trial is one fault, with a sluice, topics, a group and clients of its own.
type trial struct {
	*stage
	name     string
	options  harness.SluiceOptions
	sluice   *harness.Sluice
	logs     []string // of the sluices that have ended
	recorder recorder
	crew     crew
	history  history
	plan     plan
	fault    *fault
	planted  int                // records written past sluice
	silent   *harness.KafkaNode // that has no part in what sluice is to serve well
	config   string             // sluice's configuration file, "" for none
	until    time.Time          // faults are repeated until then
	twin     twin               // a second sluice in the group
	status   []int              // of the sluices that were asked to end
}

// plan says how hard a trial is.
type plan struct {
	Binary   string
	Duration time.Duration // how long faults go on, at least one of them
	Rate     int           // records a second of each producer
	Web      bool          // through the HTTP door
	Patience time.Duration // how long nothing may be acknowledged at the end until the rest is lost
}

// run tries one fault and judges what happened.
func (s *stage) run(ctx context.Context, f *fault, p plan) (*result, error) {
	t := &trial{stage: s, plan: p, fault: f, name: fmt.Sprintf("trial-%d", s.tried.Add(1))}
	t.crew.recorder = &t.recorder
	t.history.Web = p.Web
	if !f.scripted {
		t.history.Topics.Buffered = t.name + "-buffered"
	}
	defer t.clear()
	ctx, cancel := context.WithTimeoutCause(ctx, p.Duration+trialTime, errTrialTime)
	defer cancel()
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	load := span{From: time.Now().UnixNano()}
	t.until = time.Now().Add(p.Duration)
	if err := errors.Join(pause(ctx, time.Second), f.inject(ctx, t), pause(ctx, time.Second)); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	load.To = time.Now().UnixNano()
	t.history.Load = load
	return t.finish(ctx)
}

func (t *trial) clear() {
	t.crew.dismiss()
	if t.sluice != nil {
		_ = t.sluice.Close()
	}
	if t.config != "" {
		_ = os.Remove(t.config)
	}
}

// topics are those that sluice is to serve well.
func (t *trial) topics() []string {
	return append([]string{t.name}, t.history.Topics.besides()...)
}

// prepare starts sluice and its clients, and returns when records flow.
func (t *trial) prepare(ctx context.Context) error {
	if t.fault.set != nil {
		if err := t.fault.set(ctx, t); err != nil {
			return err
		}
	} else if err := t.createAll(ctx, t.fault.Topic); err != nil {
		return err
	}
	if err := t.configure(); err != nil {
		return err
	}
	if err := t.begin(ctx); err != nil || t.fault.scripted {
		return err
	}
	if err := t.hire(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return harness.Until(ctx, func(context.Context) error {
		if n := t.recorder.count(acked); n == 0 {
			return errors.New("no record has made the round through sluice")
		}
		return nil
	})
}

func (t *trial) createAll(ctx context.Context, o layout) error {
	for _, topic := range t.topics() {
		if err := t.create(ctx, topic, o); err != nil {
			return err
		}
	}
	return nil
}

// configure says how sluice is to run.
func (t *trial) configure() error {
	t.options = harness.SluiceOptions{Binary: t.plan.Binary, Brokers: t.kafka.Brokers()}
	ports, err := harness.FreePorts(3)
	if err != nil {
		return err
	}
	for i, door := range []*string{&t.options.Addr, &t.options.HTTP, &t.options.Management} {
		*door = fmt.Sprintf("127.0.0.1:%d", ports[i])
	}
	if t.fault.Config == "" {
		return nil
	}
	file, err := os.CreateTemp("", "checker-*.yaml")
	if err != nil {
		return err
	}
	t.config = file.Name()
	t.options.Args = []string{"--config", t.config}
	_, err = file.WriteString(t.fault.Config)
	return errors.Join(err, file.Close())
}

// begin starts a sluice at the trial's address.
func (t *trial) begin(ctx context.Context) error {
	s, err := harness.StartSluice(ctx, t.options)
	if err == nil {
		t.sluice = s
	}
	return err
}

// hire starts the clients.
func (t *trial) hire() error {
	clients := t.clients()
	if t.fault.cast != nil {
		t.fault.cast(t, clients)
	}
	for _, role := range sortedKeys(clients) {
		if err := t.crew.hire(role, t.through(clients[role])); err != nil {
			return err
		}
	}
	return nil
}

// through sends a client to the door that this trial is about.
func (t *trial) through(client task) task {
	client.Addr, client.Web = t.options.Addr, t.plan.Web
	if client.Web {
		client.Addr = t.options.HTTP
	}
	return client
}

// held is how long a consumer sits on its records that does so for longer than a commit interval.
const held = commitBound + 500*time.Millisecond

// clients are two producers that wait for delivery, one that does not, and three consumers of one group.
func (t *trial) clients() map[string]task {
	rate := t.plan.Rate
	if t.fault.Rate > 0 {
		rate = t.fault.Rate
	}
	return map[string]task{
		"p1": {Command: "RPUSH", Topic: t.name, Rate: rate},
		"p2": {Command: "RPUSH", Topic: t.name, Rate: rate},
		"b1": {Command: "RPUSHX", Topic: t.history.Topics.Buffered, Rate: rate},
		"c1": t.consumer("c1", 1, 0),
		"c2": t.consumer("c2", 20, 0),
		"c3": t.consumer("c3", 50, held),
	}
}

// consumer is one that takes at most so many records at once and sits on them for so long.
func (t *trial) consumer(name string, most int, hold time.Duration) task {
	if t.plan.Web {
		return task{Member: t.name, Key: t.query(most), Hold: hold}
	}
	options := slices.Clone(t.fault.Settings)
	if most > 1 {
		options = append(options, fmt.Sprintf(`"sluice.batch":%d`, most))
	}
	key := fmt.Sprintf("topics:%s:{%s}", strings.Join(t.topics(), ","), strings.Join(options, ","))
	return task{Member: t.name + ":" + name, Key: key, Hold: hold}
}

// query says over HTTP what a consumer takes.
func (t *trial) query(most int) string {
	q := url.Values{"topics": {strings.Join(t.topics(), ",")}, "max": {strconv.Itoa(most)}}
	for _, setting := range t.fault.Settings {
		name, value, _ := strings.Cut(setting, ":")
		q.Set(strings.Trim(name, `"`), strings.Trim(value, `"`))
	}
	return q.Encode()
}

// forgive notes that sluice was killed: it may forget what was acknowledged from the time given,
// and a commit interval before, until now, when its successor has not yet handed anything out.
func (t *trial) forgive(from time.Time) {
	t.history.BufferedMayVanish = true
	t.history.Forgiven = append(t.history.Forgiven,
		span{From: from.Add(-commitBound).UnixNano(), To: time.Now().UnixNano()})
	t.stir(from)
}

// stirTime is how long a sluice's group is unsettled after a kill, or after another one has come.
const stirTime = 5 * time.Second

// stir notes that something has gone wrong since a time, which changes who has which records.
func (t *trial) stir(from time.Time) {
	if t.history.Given != nil {
		t.history.Given.Stirred = append(t.history.Given.Stirred, span{From: from.Add(-commitBound).UnixNano(), To: time.Now().Add(stirTime).UnixNano()})
	}
}

// excuse notes that from the time given until now a log was replaced, which sluice cannot know at once.
func (t *trial) excuse(from time.Time) {
	t.history.Outages = append(t.history.Outages, span{From: from.UnixNano(), To: time.Now().UnixNano()})
}

// more tells whether the fault shall be repeated.
func (t *trial) more() bool { return time.Now().Before(t.until) }

// kill ends sluice with SIGKILL and starts another at the same address. Commits were impossible
// since the time given.
func (t *trial) kill(ctx context.Context, since time.Time) error {
	t.countSkipped(ctx)
	if err := t.sluice.Kill(); err != nil {
		return err
	}
	t.logs = append(t.logs, t.sluice.Output())
	err := t.begin(ctx)
	t.forgive(since)
	return err
}

// stop asks sluice to end.
func (t *trial) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	t.countSkipped(ctx)
	status, err := t.sluice.Stop(ctx)
	t.logs = append(t.logs, t.sluice.Output())
	t.status = append(t.status, status)
	return err
}

// skippedMetric counts records that a group had to skip.
const skippedMetric = "sluice_consume_skipped_messages_total"

// countSkipped adds what this sluice says it skipped, before it ends. One that does not answer says nothing.
func (t *trial) countSkipped(ctx context.Context) {
	if metrics, err := t.sluice.Scrape(ctx); err == nil {
		t.history.Counted.Skipped += int(metrics.Sum(skippedMetric, "group", t.name))
	}
}

// log is what the sluices of this trial wrote.
func (t *trial) log() string { return strings.Join(t.logs, "\n--- the next sluice ---\n") }
