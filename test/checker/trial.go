package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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

// commitBound is how old an acknowledgement may be that a kill -9 forgets: settled offsets go to
// librdkafka every 100 ms, looked at every 50 ms, and from there to Kafka with
// auto.commit.interval.ms=1000; the rest is for a machine that is busy.
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
	until    time.Time // faults are repeated until then
	status   []int     // of the sluices that were asked to end
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
	s.tried++
	t := &trial{stage: s, plan: p, name: fmt.Sprintf("trial-%d", s.tried)}
	t.crew.recorder = &t.recorder
	t.history.Buffered, t.history.Web = t.name+"-buffered", p.Web
	defer t.clear()
	ctx, cancel := context.WithTimeoutCause(ctx, p.Duration+trialTime, errTrialTime)
	defer cancel()
	if err := t.prepare(ctx, f); err != nil {
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
}

// prepare starts sluice and its clients, and returns when records flow.
func (t *trial) prepare(ctx context.Context, f *fault) error {
	for _, topic := range []string{t.name, t.history.Buffered} {
		if err := t.create(ctx, topic); err != nil {
			return err
		}
	}
	addr, err1 := harness.FreeAddr()
	web, err2 := harness.FreeAddr()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	t.options = harness.SluiceOptions{Binary: t.plan.Binary, Brokers: t.kafka.Brokers(), Addr: addr, HTTP: web}
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := t.hire(f, t.plan.Rate); err != nil {
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

// begin starts a sluice at the trial's address.
func (t *trial) begin(ctx context.Context) error {
	s, err := harness.StartSluice(ctx, t.options)
	if err == nil {
		t.sluice = s
	}
	return err
}

// hire starts the clients.
func (t *trial) hire(f *fault, rate int) error {
	clients := t.clients(f, rate)
	if t.plan.Web {
		clients = t.webClients(f, rate)
	}
	for _, role := range sortedKeys(clients) {
		if err := t.crew.hire(role, clients[role]); err != nil {
			return err
		}
	}
	return nil
}

// held is how long a consumer sits on its records that does so for longer than a commit interval.
const held = commitBound + 500*time.Millisecond

// clients are two producers that wait for delivery, one that does not, and three consumers of one group.
func (t *trial) clients(f *fault, rate int) map[string]task {
	key := func(options ...string) string {
		all := strings.Join(append(options, f.Settings...), ",")
		return fmt.Sprintf("topics:%s,%s:{%s}", t.name, t.history.Buffered, all)
	}
	addr := t.options.Addr
	return map[string]task{
		"p1": {Addr: addr, Command: "RPUSH", Topic: t.name, Rate: rate},
		"p2": {Addr: addr, Command: "RPUSH", Topic: t.name, Rate: rate},
		"b1": {Addr: addr, Command: "RPUSHX", Topic: t.history.Buffered, Rate: rate},
		"c1": {Addr: addr, Member: t.name + ":c1", Key: key()},
		"c2": {Addr: addr, Member: t.name + ":c2", Key: key(`"sluice.batch":20`)},
		"c3": {Addr: addr, Member: t.name + ":c3", Key: key(`"sluice.batch":50`), Hold: held},
	}
}

// webClients are the same over HTTP.
func (t *trial) webClients(f *fault, rate int) map[string]task {
	query := func(most int) string {
		q := url.Values{"topics": {t.name + "," + t.history.Buffered}, "max": {strconv.Itoa(most)}}
		for _, setting := range f.Settings {
			name, value, _ := strings.Cut(setting, ":")
			q.Set(strings.Trim(name, `"`), strings.Trim(value, `"`))
		}
		return q.Encode()
	}
	tasks := map[string]task{
		"p1": {Command: "RPUSH", Topic: t.name, Rate: rate},
		"p2": {Command: "RPUSH", Topic: t.name, Rate: rate},
		"b1": {Command: "RPUSHX", Topic: t.history.Buffered, Rate: rate},
		"c1": {Member: t.name, Key: query(1)},
		"c2": {Member: t.name, Key: query(20)},
		"c3": {Member: t.name, Key: query(50), Hold: held},
	}
	for role, task := range tasks {
		task.Addr, task.Web = t.options.HTTP, true
		tasks[role] = task
	}
	return tasks
}

// forgive notes that sluice was killed: it may forget what was acknowledged from the time given,
// and a commit interval before, until now, when its successor has not yet handed anything out.
func (t *trial) forgive(from time.Time) {
	t.history.BufferedMayVanish = true
	t.history.Forgiven = append(t.history.Forgiven,
		span{From: from.Add(-commitBound).UnixNano(), To: time.Now().UnixNano()})
}

// more tells whether the fault shall be repeated.
func (t *trial) more() bool { return time.Now().Before(t.until) }

// kill ends sluice with SIGKILL and starts another at the same address. Commits were impossible
// since the time given.
func (t *trial) kill(ctx context.Context, since time.Time) error {
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
	status, err := t.sluice.Stop(ctx)
	t.logs = append(t.logs, t.sluice.Output())
	t.status = append(t.status, status)
	return err
}

// log is what the sluices of this trial wrote.
func (t *trial) log() string { return strings.Join(t.logs, "\n--- the next sluice ---\n") }
