package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// latency measures the time from sending a produce on one connection to the BLPOP's answer on
// another that was waiting. The ways take turns: a machine that is slow for some seconds is so for each of them.
func (b *bench) latency(ctx context.Context) error {
	return b.with(ctx, "", func(lingers *harness.Sluice) error {
		return b.with(ctx, "kafka: {profiles: {buffered: {linger.ms: 0}}}\n", func(prompt *harness.Sluice) error {
			return b.waysInTurn(ctx, lingers, prompt)
		})
	})
}

// warmUp is how many times as many records as are measured go first, without a pause: a JVM that has only just
// started takes several times as long for each request as one that has compiled the way that they take.
const warmUp = 20

// turns is how often each way is measured.
const turns = 5

// way is how a record may come from one client to another.
type way struct {
	name   string
	target bool // it is to be short
	like   *way // it is to be as short as another
	take   func(ctx context.Context, samples int) ([]time.Duration, error)
	times  []time.Duration
}

func (b *bench) waysInTurn(ctx context.Context, lingers, prompt *harness.Sluice) error {
	redis, err1 := b.redisRelay()
	delivered, err2 := b.sluiceRelay(ctx, lingers, "RPUSH")
	buffered, err3 := b.sluiceRelay(ctx, lingers, "RPUSHX")
	hasty, err4 := b.sluiceRelay(ctx, prompt, "RPUSHX")
	for _, p := range []*relay{redis, delivered, buffered, hasty} {
		defer p.close()
	}
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	b.say("warming up")
	if err := hasty.warm(ctx, warmUp*b.samples); err != nil {
		return err
	}
	promised := &way{name: "sluice RPUSH", take: delivered.times, target: true}
	ways := []*way{
		{name: "redis RPUSH", take: redis.times},
		{name: "plain binding, Produce to Poll, linger.ms 0", take: b.bindingTimes},
		promised,
		{name: "sluice RPUSHX", take: buffered.times, like: promised},
		{name: "sluice RPUSHX, linger.ms 0", take: hasty.times, target: true},
	}
	for i := range turns * len(ways) {
		w := ways[i%len(ways)]
		b.say("%s", w.name)
		times, err := w.take(ctx, b.samples/turns)
		if err != nil {
			return err
		}
		w.times = append(w.times, times...)
	}
	b.judgeWays(ways)
	return nil
}

func (b *bench) judgeWays(ways []*way) {
	t := b.table(fmt.Sprintf("Time from sending the command on one connection to the record on another, which waits in BLPOP; %d times, one at a time, in %d turns with the other ways.", b.samples, turns),
		"", "p50", "p99", "most")
	for _, w := range ways {
		slices.Sort(w.times)
		v := open
		if w.target {
			p50, p99 := percentile(w.times, 50), percentile(w.times, 99)
			v = judge("p50 ≤ 1 ms, p99 ≤ 5 ms", p50 <= time.Millisecond && p99 <= 5*time.Millisecond)
		}
		if w.like != nil { // which is sorted already
			v = judge("p50 ≤ 1.2 of RPUSH's", 5*percentile(w.times, 50) <= 6*percentile(w.like.times, 50))
		}
		t.add(v, percentiles(w.name, w.times)...)
	}
}

// bindingTimes is what Kafka itself takes: a producer and a consumer in one process.
func (b *bench) bindingTimes(ctx context.Context, samples int) ([]time.Duration, error) {
	topic := fmt.Sprintf("latency-%d", time.Now().UnixNano())
	if err := b.topic(ctx, topic); err != nil {
		return nil, err
	}
	f, err := b.child(ctx, "latency", topic, samples)
	return f.Times, err
}

// relay is a connection that produces and one that waits for the records.
type relay struct {
	producer *conn
	worker   *worker
	produce  []byte // the command
}

func (b *bench) redisRelay() (*relay, error) {
	w, err := redisWorker(b.redis.Addr, "topics:latency")
	if err != nil {
		return nil, err
	}
	return b.relay(w, b.redis.Addr, command(nil, "RPUSH", "topics:latency", value))
}

func (b *bench) sluiceRelay(ctx context.Context, s *harness.Sluice, name string) (*relay, error) {
	topic := fmt.Sprintf("latency-%d", time.Now().UnixNano())
	if err := b.topic(ctx, topic); err != nil {
		return nil, err
	}
	w, err := sluiceWorker(s, "g-"+topic, "w", topic, "")
	if err != nil {
		return nil, err
	}
	return b.relay(w, s.Addr, command(nil, name, "topics:"+topic, value))
}

// relay brings one record from a new connection to the worker, which it takes over.
func (b *bench) relay(w *worker, addr string, produce []byte) (*relay, error) {
	producer, err := dial(addr)
	if err != nil {
		w.close()
		return nil, err
	}
	p := &relay{producer, w, produce}
	if err := p.producer.send1(produce); err != nil {
		p.close()
		return nil, err
	}
	if err := w.begin(b.patience); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// close ends both; there may be none.
func (p *relay) close() {
	if p != nil {
		p.producer.close()
		p.worker.close()
	}
}

// times returns what each of the samples took.
func (p *relay) times(ctx context.Context, samples int) ([]time.Duration, error) {
	times := make([]time.Duration, 0, samples)
	for range samples {
		d, err := p.once(ctx, idle)
		if err != nil {
			return nil, err
		}
		times = append(times, d)
	}
	return times, nil
}

// warm brings records over one after the other.
func (p *relay) warm(ctx context.Context, records int) error {
	for range records {
		if _, err := p.once(ctx, 0); err != nil {
			return err
		}
	}
	return nil
}

// idle is how long a BLPOP waits before something is produced for it.
const idle = 5 * time.Millisecond

// once measures one record's way; the BLPOP waits for the pause before.
func (p *relay) once(ctx context.Context, pause time.Duration) (time.Duration, error) {
	type answer struct {
		at  time.Time
		err error
	}
	limit := time.Now().Add(replyTimeout) // of this record: begin's would end the section
	if err := errors.Join(p.worker.net.SetDeadline(limit), p.producer.net.SetDeadline(limit)); err != nil {
		return 0, err
	}
	answered := make(chan answer, 1)
	go func() {
		n, err := p.worker.take()
		at := time.Now()
		if err == nil && n == 0 {
			err = errNothing
		}
		answered <- answer{at, err}
	}()
	if err := wait(ctx, pause); err != nil {
		return 0, err
	}
	sent := time.Now()
	if err := p.producer.send1(p.produce); err != nil {
		return 0, err
	}
	a := <-answered
	if a.err != nil {
		return 0, a.err
	}
	return a.at.Sub(sent), p.worker.ack()
}

// send1 runs one prepared command with a reply of one element.
func (c *conn) send1(command []byte) error {
	c.out = append(c.out, command...)
	if err := c.send(); err != nil {
		return err
	}
	_, err := c.next()
	return err
}

// percentile of sorted times.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)-1)*p/100]
}

func percentiles(what string, sorted []time.Duration) []string {
	cells := []string{what}
	for _, p := range []int{50, 99, 100} {
		cells = append(cells, milliseconds(percentile(sorted, p)))
	}
	return cells
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}
