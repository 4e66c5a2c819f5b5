package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// latency measures the time from sending a produce on one connection to the BLPOP's answer on
// another that was waiting.
func (b *bench) latency(ctx context.Context) error {
	t := b.table(fmt.Sprintf("Time from sending the command on one connection to the record on another, which waits in BLPOP; %d times, one at a time.", b.samples),
		"", "p50", "p99", "most")
	if err := b.redisLatency(ctx, t); err != nil {
		return err
	}
	// A JVM that has only just started takes several times as long for each request as one that has compiled
	// the way that they take.
	if _, err := b.bindingTimes(ctx, warmUp*b.samples); err != nil {
		return err
	}
	if err := b.bindingLatency(ctx, t); err != nil {
		return err
	}
	err := b.with(ctx, "", func(s *harness.Sluice) error {
		if err := b.sluiceLatency(ctx, t, s, "RPUSH", "sluice RPUSH", true); err != nil {
			return err
		}
		return b.sluiceLatency(ctx, t, s, "RPUSHX", "sluice RPUSHX (lingers 10 ms)", false)
	})
	if err != nil {
		return err
	}
	return b.with(ctx, "kafka: {profiles: {buffered: {linger.ms: 0}}}\n", func(s *harness.Sluice) error {
		return b.sluiceLatency(ctx, t, s, "RPUSHX", "sluice RPUSHX, linger.ms 0", true)
	})
}

// bindingLatency is what Kafka itself takes: a producer and a consumer in one process.
func (b *bench) bindingLatency(ctx context.Context, t *table) error {
	times, err := b.bindingTimes(ctx, b.samples)
	if err != nil {
		return err
	}
	slices.Sort(times)
	t.add(open, percentiles("plain binding, Produce to Poll, linger.ms 0", times)...)
	return nil
}

// warmUp is how many times as many records as are measured go first.
const warmUp = 5

func (b *bench) bindingTimes(ctx context.Context, samples int) ([]time.Duration, error) {
	topic := fmt.Sprintf("latency-%d", time.Now().UnixNano())
	if err := b.topic(ctx, topic); err != nil {
		return nil, err
	}
	f, err := b.child(ctx, "latency", topic, samples)
	return f.Times, err
}

func (b *bench) redisLatency(ctx context.Context, t *table) error {
	w, err := redisWorker(b.redis.Addr, "topics:latency")
	if err != nil {
		return err
	}
	defer w.close()
	times, err := b.times(ctx, w, b.redis.Addr, command(nil, "RPUSH", "topics:latency", value))
	if err != nil {
		return err
	}
	t.add(open, percentiles("redis RPUSH", times)...)
	return nil
}

func (b *bench) sluiceLatency(ctx context.Context, t *table, s *harness.Sluice, name, what string, judged bool) error {
	b.say("%s", what)
	topic := fmt.Sprintf("latency-%d", time.Now().UnixNano())
	if err := b.topic(ctx, topic); err != nil {
		return err
	}
	w, err := sluiceWorker(s, "g-"+topic, "w", topic, "")
	if err != nil {
		return err
	}
	defer w.close()
	times, err := b.times(ctx, w, s.Addr, command(nil, name, "topics:"+topic, value))
	if err != nil {
		return err
	}
	v := open
	if judged {
		p50, p99 := percentile(times, 50), percentile(times, 99)
		v = judge("p50 ≤ 1 ms, p99 ≤ 5 ms", p50 <= time.Millisecond && p99 <= 5*time.Millisecond)
	}
	t.add(v, percentiles(what, times)...)
	return nil
}

// idle is how long a BLPOP waits before something is produced for it.
const idle = 5 * time.Millisecond

// times returns what each of the samples took, sorted.
func (b *bench) times(ctx context.Context, w *worker, addr string, produce []byte) ([]time.Duration, error) {
	p, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.send1(produce); err != nil {
		return nil, err
	}
	if err := w.begin(b.patience); err != nil {
		return nil, err
	}
	times := make([]time.Duration, 0, b.samples)
	for range b.samples {
		d, err := once(ctx, w, p, produce)
		if err != nil {
			return nil, err
		}
		times = append(times, d)
	}
	slices.Sort(times)
	return times, nil
}

// once measures one record's way.
func once(ctx context.Context, w *worker, p *conn, produce []byte) (time.Duration, error) {
	type answer struct {
		at  time.Time
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		n, err := w.take()
		at := time.Now()
		if err == nil && n == 0 {
			err = errNothing
		}
		answered <- answer{at, err}
	}()
	if err := wait(ctx, idle); err != nil {
		return 0, err
	}
	sent := time.Now()
	if err := p.send1(produce); err != nil {
		return 0, err
	}
	a := <-answered
	if a.err != nil {
		return 0, a.err
	}
	return a.at.Sub(sent), w.ack()
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
