package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness"
)

// Consumption while records fail: a topic of so many keys in so few partitions, for many workers.
const (
	failingTopic      = "keyed"
	failingKeys       = 1_000
	failingPartitions = 4
	failingWorkers    = 64
	onePoison         = 17 // the offset that fails for ever, in partition 0
)

// failingConfig are the policies: the groups' names say how they are dispatched.
const failingConfig = `consume: {linger: 1s}
groups:
  "keyed*":
    topics: {"*": {dispatch: keyed, on_error: key, max_retries: 3, backoff: 50ms, dead_letter: {}}}
  "poison*":
    topics: {"*": {dispatch: keyed, on_error: key, backoff: 50ms, max_backoff: 50ms}}
  "shared*":
    topics: {"*": {dispatch: shared}}
  "delayed*":
    topics: {"*": {dispatch: shared, on_error: pass}}
`

// failingBacklog is how many records the topic needs: several groups take it, each from its start.
func (b *bench) failingBacklog() int { return b.backlog / 2 }

// failing measures what failures cost, and how exactly a released record comes again.
func (b *bench) failing(ctx context.Context) error {
	if err := b.fillKeyed(ctx); err != nil {
		return err
	}
	return b.with(ctx, failingConfig, func(s *harness.Sluice) error {
		return errors.Join(b.failingRates(s), b.releases(ctx, s))
	})
}

// fillKeyed gives the topic its backlog. The records of each key are spread over its partition.
func (b *bench) fillKeyed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	if err := b.admin.CreateTopic(ctx, failingTopic, failingPartitions); err != nil {
		return err
	}
	b.say("filling a topic with %d records of %d keys", b.failingBacklog(), failingKeys)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers()...), kgo.DefaultProduceTopic(failingTopic))
	if err != nil {
		return err
	}
	defer client.Close()
	var mu sync.Mutex
	var failed error
	for i := range b.failingBacklog() {
		client.Produce(ctx, kgo.KeyStringRecord("k"+strconv.Itoa(i*7919%failingKeys), value), func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	err = client.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(err, failed)
}

// trouble says how many of a record's first attempts fail.
type trouble func(partition, offset int64) int

func none(int64, int64) int { return 0 }

// hundredth fails each hundredth record, one to three times.
func hundredth(_, offset int64) int {
	if offset%100 != 99 {
		return 0
	}
	return 1 + int(offset/100%3)
}

const forEver = 1 << 30

func poisoned(partition, offset int64) int {
	if partition == 0 && offset == onePoison {
		return forEver
	}
	return 0
}

// troubled is one way to consume in the table.
type troubled struct {
	door    string
	group   string
	what    string
	workers int
	fails   trouble
	to      int     // which of the ways it is compared with
	least   float64 // of that; 0: nobody wants it to be anything
	crew    []*failingWorker
	found   series
}

func waysOfTrouble() []*troubled {
	return []*troubled{
		{door: "Redis", group: "ordered", what: "ordered, nothing fails", workers: failingPartitions, fails: none},
		{door: "Redis", group: "shared", what: "shared, nothing fails", workers: failingPartitions, fails: none, to: 0},
		{door: "Redis", group: "keyed-few", what: "keyed, nothing fails", workers: failingPartitions, fails: none, to: 0},
		{door: "Redis", group: "keyed-none", what: "keyed, nothing fails", workers: failingWorkers, fails: none, to: 3},
		{door: "Redis", group: "keyed-some", what: "keyed, 1 % fail, 1 to 3 times", workers: failingWorkers, fails: hundredth, to: 3, least: 0.8},
		{door: "Redis", group: "poison", what: "keyed, one record fails for ever", workers: failingWorkers, fails: poisoned, to: 3, least: 0.98},
		{door: "HTTP", group: "keyed-none-http", what: "keyed, nothing fails", workers: failingWorkers, fails: none, to: 6},
		{door: "HTTP", group: "keyed-some-http", what: "keyed, 1 % fail, 1 to 3 times", workers: failingWorkers, fails: hundredth, to: 6, least: 0.8},
		{door: "HTTP", group: "poison-http", what: "keyed, one record fails for ever", workers: failingWorkers, fails: poisoned, to: 6, least: 0.98},
	}
}

// failingRates has all ways take turns. Each has a group of its own, from the start of the topic.
func (b *bench) failingRates(s *harness.Sluice) error {
	ways := waysOfTrouble()
	defer func() {
		for _, w := range ways {
			w.close()
		}
	}()
	for _, w := range ways {
		b.say("%s door, %s, %d workers", w.door, w.what, w.workers)
		if err := w.begin(s, b.patience); err != nil {
			return fmt.Errorf("%s: %w", w.group, err)
		}
		if err := w.round(s.PID(), b.round, true); err != nil {
			return fmt.Errorf("%s: %w", w.group, err)
		}
	}
	for range 2 * b.rounds {
		for _, w := range ways {
			if err := w.round(s.PID(), b.round, false); err != nil {
				return fmt.Errorf("%s: %w", w.group, err)
			}
		}
	}
	t := b.table(fmt.Sprintf("Records of 100 bytes per second that are accepted, one by one, of %d keys in %d partitions. A record that fails is "+
		"released with a reason, and tried again after 50 ms. All lines take turns, %d times; ratios are medians of those in one turn, "+
		"with the smallest and the largest. CPU is sluice's own, in µs per accepted record.", failingKeys, failingPartitions, 2*b.rounds),
		"door", "dispatch, failures", "workers", "records/s", "to", "ratio", "CPU")
	for i, w := range ways {
		all := ratios(w.found.rates, ways[w.to].found.rates)
		r, v, to, of := median(all), open, "-", "-"
		if w.to != i {
			to, of = fmt.Sprintf("line %d", w.to+1), fmt.Sprintf("%.3f (%.2f to %.2f)", r, slices.Min(all), slices.Max(all))
		}
		if w.least > 0 {
			v = judge(fmt.Sprintf("≥ %g", w.least), r >= w.least)
		}
		t.add(v, w.door, w.what, fmt.Sprint(w.workers), thousands(median(w.found.rates)), to, of, fmt.Sprintf("%.1f", median(w.found.cpu)))
		if err := b.enough(w); err != nil {
			return err
		}
	}
	return nil
}

// enough is an error when the backlog was nearly over.
func (b *bench) enough(w *troubled) error {
	taken := (sum(w.found.rates) + w.found.rates[0]) * b.round.Seconds()
	if all := float64(b.failingBacklog()); taken > 0.9*all {
		return fmt.Errorf("%s: %.0f of %.0f records were taken: this machine needs a longer backlog", w.group, taken, all)
	}
	return nil
}

func (w *troubled) begin(s *harness.Sluice, patience time.Duration) error {
	for i := range w.workers {
		one, err := w.seat(s, i, failingTopic)
		if err != nil {
			return err
		}
		w.crew = append(w.crew, one)
	}
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if n, err := w.crew[0].turn(); n > 0 || err != nil {
			return err
		}
	}
	return errNothing
}

func (w *troubled) seat(s *harness.Sluice, i int, topic string) (*failingWorker, error) {
	if w.door == "HTTP" {
		c, err := dial(s.HTTP)
		return &failingWorker{
			conn: c, topic: topic, fails: w.fails, acks: "/v1/groups/" + w.group + "/acks",
			take: httpGet(fmt.Sprintf("/v1/groups/%s/messages?topics=%s&max=1&wait=1s", w.group, topic)),
		}, err
	}
	one, err := newWorker(s.Addr, "topics:"+topic+`:{"sluice.reply":"full"}`, topic)
	if err != nil {
		return nil, err
	}
	_, err = one.do("CLIENT", "SETNAME", fmt.Sprintf("%s:w%d", w.group, i))
	return &failingWorker{conn: one.conn, topic: topic, fails: w.fails, take: one.blpop}, err
}

// round has the workers work for a while; nobody counts it when it is to warm up.
func (w *troubled) round(pid int, round time.Duration, warms bool) error {
	total := 0
	var mu sync.Mutex
	begin := time.Now()
	cpu, err := spent(pid, func() error {
		errs := make([]error, len(w.crew))
		var wg sync.WaitGroup
		for i, one := range w.crew {
			wg.Go(func() {
				n := 0
				for errs[i] == nil && time.Since(begin) < round {
					var more int
					more, errs[i] = one.turn()
					n += more
				}
				mu.Lock()
				defer mu.Unlock()
				total += n
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	if err != nil || warms {
		return err
	}
	if total == 0 {
		return errNothing
	}
	w.found.rates = append(w.found.rates, float64(total)/time.Since(begin).Seconds())
	w.found.cpu = append(w.found.cpu, float64(cpu.Microseconds())/float64(total))
	return nil
}

func (w *troubled) close() {
	for _, one := range w.crew {
		one.close()
	}
}
