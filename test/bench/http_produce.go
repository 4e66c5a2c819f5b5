package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// httpTopic is produced to by all sides.
const httpTopic = "produce-http"

// askers is one side of a comparison: so many askers, who produce so many records each time.
type askers struct {
	pid  int
	addr string
	once func(*conn) error

	conns, each int
	rates       []float64 // requests per second
	cpu         []float64 // microseconds of the server's processor time per request
	times       []time.Duration
}

// httpAskers produce JSON by REST v2.
func httpAskers(s *harness.Sluice, conns, each int) *askers {
	request := httpRequest("POST", "/topics/"+httpTopic, "application/vnd.kafka.json.v2+json", recordsBody(each))
	return &askers{pid: s.PID(), addr: s.HTTP, conns: conns, each: each, once: func(c *conn) error {
		body, err := c.ask(request)
		if err == nil && bytes.Count(body, []byte(`"error_code":null`)) != each {
			err = fmt.Errorf("not all of %d records are written: %s", each, body)
		}
		return err
	}}
}

// respAskers produce with RPUSH, many values in one command.
func respAskers(s *harness.Sluice, conns, each int) *askers {
	request := command(nil, append([]string{"RPUSH", "topics:" + httpTopic}, slices.Repeat([]string{value}, each)...)...)
	return &askers{pid: s.PID(), addr: s.Addr, conns: conns, each: each, once: func(c *conn) error { return c.send1(request) }}
}

// round measures once.
func (a *askers) round(length time.Duration) error {
	var mu sync.Mutex
	requests, began := 0, time.Now()
	cpu, err := spent(a.pid, func() error {
		return a.all(func(c *conn) error {
			times, err := a.work(c, length)
			mu.Lock()
			defer mu.Unlock()
			a.times = append(a.times, times...)
			requests += len(times)
			return err
		})
	})
	if err != nil {
		return err
	}
	a.rates = append(a.rates, float64(requests)/time.Since(began).Seconds())
	a.cpu = append(a.cpu, float64(cpu.Microseconds())/float64(requests))
	return nil
}

// warm asks a few times: the first records of a topic wait until it is looked up.
func (a *askers) warm() error {
	return a.all(func(c *conn) error {
		_, err := a.work(c, 0)
		return err
	})
}

// all lets all of them do something at once, each on a connection of its own.
func (a *askers) all(do func(*conn) error) error {
	errs := make([]error, a.conns)
	var wg sync.WaitGroup
	for i := range a.conns {
		wg.Go(func() {
			c, err := dial(a.addr)
			if err == nil {
				defer c.close()
				err = do(c)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// work asks until the round is over, and returns how long each answer took.
func (a *askers) work(c *conn, length time.Duration) (times []time.Duration, err error) {
	begin := time.Now()
	if err := c.net.SetDeadline(begin.Add(length + replyTimeout)); err != nil {
		return nil, err
	}
	for last := begin; len(times) == 0 || last.Sub(begin) < length; {
		if err := a.once(c); err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, now.Sub(last))
		last = now
	}
	return times, nil
}

// bindingRounds is the third side: a program that has librdkafka in itself.
type bindingRounds struct {
	rates, cpu []float64 // requests per second, microseconds per request
}

func (r *bindingRounds) round(ctx context.Context, b *bench, conns, each, requests int) error {
	f, err := b.child(ctx, "request", httpTopic, requests, "-callers", fmt.Sprint(conns), "-each", fmt.Sprint(each))
	if err != nil {
		return err
	}
	done := float64(f.Records) / float64(each)
	r.rates = append(r.rates, done/f.Elapsed.Seconds())
	r.cpu = append(r.cpu, float64(f.CPU.Microseconds())/done)
	return nil
}

func (b *bench) overHTTP(ctx context.Context) error {
	if err := b.topic(ctx, httpTopic); err != nil {
		return err
	}
	t := b.table("Requests that wait until the brokers have every record, values of 100 bytes: `POST /topics/{topic}` with JSON, RPUSH with as many values, "+
		"and a program that produces with the binding (linger 0) and waits for the reports, as many callers at once. "+
		"Ratios are those of the records per second. Latencies are those of HTTP. CPU is the server process' own, in µs per request: HTTP, RPUSH, binding.",
		"connections", "records each", "requests/s", "records/s", "p50", "p99", "to RPUSH", "to the binding", "CPU", "CPU to the binding")
	return b.with(ctx, "", func(s *harness.Sluice) error {
		for _, conns := range []int{1, 50} {
			for _, each := range []int{1, 100} {
				b.say("%d connections, %d records each", conns, each)
				if err := b.httpLine(ctx, t, s, conns, each); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *bench) httpLine(ctx context.Context, t *table, s *harness.Sluice, conns, each int) error {
	web, redis := httpAskers(s, conns, each), respAskers(s, conns, each)
	var binding bindingRounds
	if err := errors.Join(web.warm(), redis.warm()); err != nil {
		return err
	}
	for range b.rounds {
		for _, side := range []*askers{web, redis} {
			if err := side.round(b.round); err != nil {
				return err
			}
		}
		requests := int(redis.rates[len(redis.rates)-1] * b.round.Seconds())
		if err := binding.round(ctx, b, conns, each, max(conns, requests)); err != nil {
			return err
		}
	}
	slices.Sort(web.times)
	p50, p99 := percentile(web.times, 50), percentile(web.times, 99)
	cpu := median(ratios(web.cpu, binding.cpu))
	t.add(httpTarget(conns, each, median(web.rates), p50, cpu),
		fmt.Sprint(conns), fmt.Sprint(each), thousands(median(web.rates)), thousands(median(web.rates)*float64(each)),
		milliseconds(p50), milliseconds(p99), ratio(median(ratios(web.rates, redis.rates))), ratio(median(ratios(web.rates, binding.rates))),
		fmt.Sprintf("%.0f, %.0f, %.0f", median(web.cpu), median(redis.cpu), median(binding.cpu)), ratio(cpu))
	return nil
}

// httpTarget is what one line is wanted to be.
func httpTarget(conns, each int, requests float64, p50 time.Duration, cpu float64) verdict {
	switch {
	case conns == 1 && each == 1:
		return judge("p50 < 2 ms", p50 < 2*time.Millisecond)
	case conns == 1:
		return judge("CPU ≤ 1.5 of the binding", cpu <= 1.5)
	case each == 1:
		return judge("≥ 15 000 requests/s", requests >= 15_000)
	}
	return judge("≥ 200 000 records/s, CPU ≤ 1.5", requests*float64(each) >= 200_000 && cpu <= 1.5)
}
