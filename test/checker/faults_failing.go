package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
)

// failingFaults have workers whose records fail. Every row has failing records, poison records, and workers that die.
var failingFaults = []*fault{
	failingFault("records fail", fault{beside: true, Door: "resp"}, shift{}, briefly),
	failingFault("records fail, kill -9 of sluice", fault{beside: true, long: true}, shift{}, killSluice),
	failingFault("records fail, two sluices, one killed", fault{beside: true, long: true}, shift{twin: true}, killInTurn(3*time.Second)),
	failingFault("records fail, two sluices, one stopped", fault{beside: true, long: true}, shift{twin: true}, stopInTurn),
	failingFault("records fail, all brokers stopped", fault{Door: "resp", long: true}, shift{patient: true}, stirring(stopBrokers)),
	failingFault("dead letters refused, kill -9 of sluice", fault{beside: true, long: true}, shift{refused: true}, killRefused),
	failingFault("64 workers, 1 % fail, two sluices", fault{long: true}, shift{
		twin: true, workers: 64, keys: 1000, rate: 1000, most: 3 * time.Minute,
		lots: map[fate]int{fails: 10, poison: 1, hopeless: 1, deadly: 1},
	}, killInTurn(30*time.Second)),
}

// failingPolicy is what the trials' sluices do with records that fail.
const failingPolicy = `groups:
  "*":
    topics:
      "*": {dispatch: keyed, on_error: key, max_retries: 3, backoff: 50ms, dead_letter: {}}
`

// failingLayout is the topic of records that fail.
var failingLayout = layout{Partitions: 4}

// shift says who works in a trial with records that fail, and on what.
type shift struct {
	workers int           // 0 means 16
	keys    int           // 0 means 200
	rate    int           // records a second; 0 means 300
	lots    map[fate]int  // of a thousand records; nil means usualLots
	most    time.Duration // how long it goes on at least
	twin    bool          // there are two sluices in one group
	patient bool          // its members outlast brokers that stand still
	refused bool          // its dead letters are refused at first
}

var usualLots = map[fate]int{fails: 30, poison: 5, hopeless: 5, deadly: 3}

// failingFault is a fault while records fail.
func failingFault(name string, f fault, s shift, inject func(context.Context, *trial) error) *fault {
	f.Name, f.Config, f.Topic, f.scripted = name, failingPolicy, failingLayout, true
	if f.Settings = impatient; s.patient {
		f.Settings = patient
	}
	f.set = func(ctx context.Context, t *trial) error {
		if err := t.createAll(ctx, failingLayout); err != nil || !s.refused {
			return err
		}
		return t.create(ctx, t.letterTopic(), layout{Partitions: failingLayout.Partitions, Properties: map[string]string{oldest: nothingOlder}})
	}
	f.inject = func(ctx context.Context, t *trial) error { return t.fail(ctx, &s, inject) }
	return &f
}

// oldest is how much older than its time of arrival a record of a topic may be. Where that is nothing, all are refused.
const oldest, nothingOlder, anyAge = "message.timestamp.before.max.ms", "0", "9223372036854775807"

// stirring notes that the group is unsettled while a fault lasts.
func stirring(inject func(context.Context, *trial) error) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		begun := time.Now()
		err := inject(ctx, t)
		t.stir(begun)
		return err
	}
}

func (t *trial) letterTopic() string { return "dlq." + t.name + "." + t.name }

// fail has workers process records that fail while a fault is injected, and until everything is committed.
func (t *trial) fail(ctx context.Context, s *shift, inject func(context.Context, *trial) error) error {
	// A connection's records come again to it in front of others, when they have failed.
	t.history.Given, t.history.Reset = &given{}, true
	if s.most > t.plan.Duration {
		t.until = time.Now().Add(s.most)
	}
	if s.twin {
		if err := t.bear(ctx); err != nil {
			return err
		}
		defer func() { _ = t.twin.sluice.Close() }()
	}
	workers := t.muster(ctx, s)
	writing, stop := context.WithCancel(ctx)
	defer stop()
	written := make(chan error, 1)
	lots := s.lots
	if lots == nil {
		lots = usualLots
	}
	a := &author{rand: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))), lots: lots, count: make([]int, cmp.Or(s.keys, 200))}
	go func() { written <- a.write(writing, t.kafka.Brokers(), t.name, cmp.Or(s.rate, 300)) }()
	err := errors.Join(t.flowing(ctx), inject(ctx, t))
	stop()
	err = errors.Join(err, <-written)
	if err == nil {
		t.allCommitted(ctx)
	}
	if err = errors.Join(err, workers.dismiss(), t.part(ctx)); err != nil {
		return err
	}
	return t.readLetters(ctx)
}

// muster hires the workers, half of them at each of two sluices.
func (t *trial) muster(ctx context.Context, s *shift) *hands {
	working, leave := context.WithCancel(ctx)
	all := &hands{leave: leave}
	d := &director{done: map[string]int{}}
	for i := range cmp.Or(s.workers, 16) {
		w := &hand{name: "w" + strconv.Itoa(i), group: t.name, web: t.plan.Web, director: d, recorder: &t.recorder}
		at := &t.options
		if s.twin && i%2 == 1 {
			at = &t.twin.options
		}
		batch := 1
		if i%4 == 3 {
			batch = 4
		}
		if w.addr = at.Addr; w.web {
			w.addr, w.key = at.HTTP, t.query(batch)
		} else {
			options := append([]string{`"sluice.reply":"full"`, `"sluice.batch":` + strconv.Itoa(batch)}, t.fault.Settings...)
			if batch == 1 {
				options = append(options[:1], options[2:]...)
			}
			w.key = fmt.Sprintf("topics:%s:{%s}", t.name, strings.Join(options, ","))
		}
		all.hire(working, w)
	}
	return all
}

// twin is a second sluice.
type twin struct {
	options harness.SluiceOptions
	sluice  *harness.Sluice
}

// bear starts a second sluice.
func (t *trial) bear(ctx context.Context) error {
	ports, err := harness.FreePorts(3)
	if err != nil {
		return err
	}
	t.twin.options = t.options
	for i, door := range []*string{&t.twin.options.Addr, &t.twin.options.HTTP, &t.twin.options.Management} {
		*door = fmt.Sprintf("127.0.0.1:%d", ports[i])
	}
	t.twin.sluice, err = harness.StartSluice(ctx, t.twin.options)
	t.stir(time.Now())
	return err
}

// change makes the second sluice the first one.
func (t *trial) change() {
	t.options, t.twin.options = t.twin.options, t.options
	t.sluice, t.twin.sluice = t.twin.sluice, t.sluice
}

// part ends the second sluice.
func (t *trial) part(ctx context.Context) error {
	if t.twin.sluice == nil {
		return nil
	}
	t.change()
	err := t.stop(ctx)
	t.change()
	return err
}

// briefly lets workers work for some seconds at least.
func briefly(ctx context.Context, t *trial) error {
	return pause(ctx, max(5*time.Second, time.Until(t.until)))
}

// killInTurn kills one of two sluices, and then the other, each after so long.
func killInTurn(after time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		for n := 0; n < 2 || t.more(); n++ {
			if err := errors.Join(pause(ctx, after), t.kill(ctx, time.Now()), t.flowing(ctx)); err != nil {
				return err
			}
			t.change()
		}
		return nil
	}
}

// stopInTurn stops one of two sluices, and then the other: their partitions move, and nothing may be forgotten.
func stopInTurn(ctx context.Context, t *trial) error {
	for n := 0; n < 2 || t.more(); n++ {
		begun := time.Now()
		if err := errors.Join(pause(ctx, 2*time.Second), t.stop(ctx), t.begin(ctx), t.flowing(ctx)); err != nil {
			return err
		}
		t.stir(begun)
		t.change()
	}
	return nil
}

// killRefused kills sluice while dead letters are refused, and everything else is committed.
func killRefused(ctx context.Context, t *trial) error {
	err := errors.Join(pause(ctx, 3*time.Second), t.kill(ctx, time.Now()), pause(ctx, 2*time.Second),
		t.alter(ctx, t.letterTopic(), oldest, anyAge), t.flowing(ctx))
	return errors.Join(err, pause(ctx, recoveryTime))
}

// alter sets a property of a topic.
func (s *stage) alter(ctx context.Context, topic, name, value string) error {
	entry := kmsg.NewIncrementalAlterConfigsRequestResource()
	entry.ResourceType, entry.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	entry.Configs = append(entry.Configs, kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: name, Value: &value})
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, entry)
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return err
	}
	for _, r := range resp.Resources {
		err = errors.Join(err, kerr.ErrorForCode(r.ErrorCode))
	}
	return err
}

// allCommitted waits until the group has committed everything, as long as there is progress. What is not, the judge will name.
func (t *trial) allCommitted(ctx context.Context) {
	least, since := int64(-1), time.Now()
	for pause(ctx, 300*time.Millisecond) == nil && time.Since(since) < t.plan.Patience {
		left, err := t.uncommitted(ctx)
		if err != nil {
			continue
		}
		if left == 0 {
			return
		}
		if left < least || least < 0 {
			least, since = left, time.Now()
		}
	}
}

// uncommitted is how many records the group has not committed.
func (t *trial) uncommitted(ctx context.Context) (left int64, err error) {
	ends, err := t.admin.EndOffsets(ctx, t.name)
	if err != nil {
		return 0, err
	}
	for p, end := range ends {
		at, err := t.admin.Committed(ctx, t.name, t.name, int32(p))
		if err != nil {
			return 0, err
		}
		left += end - max(0, at)
	}
	return left, nil
}

// readLetters reads the dead-letter topic. Its records are as good as accepted.
func (t *trial) readLetters(ctx context.Context) error {
	records, err := insist(ctx, func(ctx context.Context) ([]*kgo.Record, error) { return t.admin.Records(ctx, t.letterTopic()) })
	if err != nil {
		return fmt.Errorf("read %s: %w", t.letterTopic(), err)
	}
	for _, r := range records {
		l, err := letterOf(r)
		if err != nil {
			return err
		}
		t.history.Given.Letters = append(t.history.Given.Letters, l)
		for _, k := range []kind{ackingOne, acked} {
			t.recorder.add(event{Time: l.Time + letterGrain, Client: undertaker, Kind: k, At: l.Of})
		}
	}
	return nil
}

// letterOf reads a dead letter.
func letterOf(r *kgo.Record) (letter, error) {
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	partition, err1 := strconv.ParseInt(headers["source_partition"], 10, 32)
	offset, err2 := strconv.ParseInt(headers["source_offset"], 10, 64)
	attempts, err3 := strconv.Atoi(headers["source_attempts"])
	if err := errors.Join(err1, err2, err3); err != nil {
		return letter{}, fmt.Errorf("dead letter %s:%d:%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return letter{
		Of: place{headers["source_topic"], int32(partition), offset}, Time: r.Timestamp.UnixNano(), Key: string(r.Key), Value: string(r.Value),
		Reason: headers["dlq-reason"], Class: headers["dlq-error-class"], Attempts: attempts,
	}, nil
}
