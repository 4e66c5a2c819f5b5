package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// taker is a connection that consumes over HTTP: it asks for records and settles them, again and again.
type taker struct {
	*conn

	take   []byte // the request for records
	record []byte // what stands once in the answer for each of them
	settle func(body []byte) (request []byte)
	leave  []byte // the last request, nil for none
}

// takers are one way of consuming, with so many connections.
type takers struct {
	what    string
	conns   int
	seat    func(s *harness.Sluice, group string, i int) (*taker, error)
	verdict func(rate float64) verdict
}

// leaseTaker takes up to so many records on leases, and acknowledges them.
func leaseTaker(most int) func(*harness.Sluice, string, int) (*taker, error) {
	return func(s *harness.Sluice, group string, _ int) (*taker, error) {
		c, err := dial(s.HTTP)
		if err != nil {
			return nil, err
		}
		path := fmt.Sprintf("/v1/groups/%s/messages?topics=%s&max=%d&max_bytes=1000000&wait=1s", group, backlogTopic, most)
		t := &taker{conn: c, take: httpGet(path), record: []byte(`"lease":"`)}
		t.settle = func(body []byte) []byte {
			return httpRequest("POST", "/v1/groups/"+group+"/acks", "application/json", acksBody(body))
		}
		return t, nil
	}
}

// acksBody acknowledges all leases of an answer.
func acksBody(records []byte) string {
	out := []byte(`{"ack":[`)
	for {
		_, rest, found := bytes.Cut(records, []byte(`"lease":"`))
		if !found {
			return string(append(bytes.TrimSuffix(out, []byte(",")), "]}"...))
		}
		lease, _, _ := bytes.Cut(rest, []byte(`"`))
		out = append(append(append(out, '"'), lease...), `",`...)
		records = rest
	}
}

// instanceTaker is a consumer instance of REST v2, which commits what it read.
func instanceTaker(s *harness.Sluice, group string, i int) (*taker, error) {
	c, err := dial(s.HTTP)
	if err != nil {
		return nil, err
	}
	base := fmt.Sprintf("/consumers/%s/instances/i%d", group, i)
	const v2 = "application/vnd.kafka.v2+json"
	for _, step := range [][2]string{
		{"/consumers/" + group, fmt.Sprintf(`{"name":"i%d","format":"binary","auto.offset.reset":"earliest","auto.commit.enable":"false"}`, i)},
		{base + "/subscription", fmt.Sprintf(`{"topics":[%q]}`, backlogTopic)},
	} {
		if _, err := c.ask(httpRequest("POST", step[0], v2, step[1])); err != nil {
			return nil, errors.Join(err, c.net.Close())
		}
	}
	commit := httpRequest("POST", base+"/offsets", v2, "")
	return &taker{
		conn: c, take: httpGet(base + "/records?timeout=1000&max_bytes=100000"), record: []byte(`"offset":`),
		settle: func([]byte) []byte { return commit }, leave: httpRequest("DELETE", base, v2, ""),
	}, nil
}

func httpGet(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
}

// turn asks once, settles what came, and returns how much that was.
func (t *taker) turn() (int, error) {
	body, err := t.ask(t.take)
	if err != nil {
		return 0, err
	}
	n := bytes.Count(body, t.record)
	if n > 0 {
		_, err = t.ask(t.settle(body))
	}
	return n, err
}

// work consumes until the time is over or the backlog is, and returns its rate per second.
func (t *taker) work(round time.Duration) (float64, error) {
	begin, last, total := time.Now(), time.Duration(0), 0
	if err := t.net.SetDeadline(begin.Add(round + replyTimeout)); err != nil {
		return 0, err
	}
	for last < round {
		n, err := t.turn()
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		total += n
		last = time.Since(begin)
	}
	if total == 0 {
		return 0, errNothing
	}
	return float64(total) / last.Seconds(), nil
}

// end says goodbye.
func (t *taker) end() {
	if t.leave != nil {
		_, _ = t.ask(t.leave)
	}
	t.close()
}

// begin waits for the first records.
func (t *taker) begin(patience time.Duration) error {
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if err := t.net.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
			return err
		}
		if n, err := t.turn(); n > 0 || err != nil {
			return err
		}
	}
	return errNothing
}

func (b *bench) consumeHTTP(ctx context.Context) error {
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	t := b.table("Records of 100 bytes per second, each round by a new group from the start of a topic. CPU is sluice's own, in µs per record.", "", "connections", "records/s", "CPU")
	return b.with(ctx, "consume: {linger: 1s}\n", func(s *harness.Sluice) error {
		for i, way := range b.waysHTTP() {
			b.say("%s, %d connections", way.what, way.conns)
			if err := b.takeLine(t, s, way, fmt.Sprintf("http-%d", i)); err != nil {
				return fmt.Errorf("%s: %w", way.what, err)
			}
		}
		return nil
	})
}

func (b *bench) waysHTTP() []takers {
	unjudged := func(float64) verdict { return open }
	atLeast := func(target string, least float64) func(float64) verdict {
		return func(rate float64) verdict { return judge(target, rate >= least) }
	}
	return []takers{
		{"take one, acknowledge it", 1, leaseTaker(1), unjudged},
		{"take one, acknowledge it", 50, leaseTaker(1), atLeast("≥ 10 000/s", 10_000)},
		{"take up to 100, acknowledge them", 1, leaseTaker(100), unjudged},
		{"take up to 100, acknowledge them", 50, leaseTaker(100), atLeast("≥ 150 000/s", 150_000)},
		{"v2 instance: read up to 100 KB, commit", 1, instanceTaker, unjudged},
		{"v2 instances of one group: the same", 4, instanceTaker, unjudged},
	}
}

func (b *bench) takeLine(t *table, s *harness.Sluice, way takers, group string) error {
	var found series
	for i := range b.rounds {
		if err := b.takeRound(&found, s, way, fmt.Sprintf("%s-%d", group, i)); err != nil {
			return err
		}
	}
	rate := median(found.rates)
	t.add(way.verdict(rate), way.what, fmt.Sprint(way.conns), thousands(rate), fmt.Sprintf("%.1f", median(found.cpu)))
	return nil
}

func (b *bench) takeRound(to *series, s *harness.Sluice, way takers, group string) error {
	var all []*taker
	defer func() {
		for _, one := range all {
			one.end()
		}
	}()
	for i := range way.conns {
		one, err := way.seat(s, group, i)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	if err := all[0].begin(b.patience); err != nil {
		return err
	}
	return to.takes(s.PID(), b.round, all)
}

// takes measures all of them once.
func (s *series) takes(pid int, round time.Duration, all []*taker) error {
	var mu sync.Mutex
	rate := 0.0
	cpu, err := spent(pid, func() error {
		errs := make([]error, len(all))
		var wg sync.WaitGroup
		for i, one := range all {
			wg.Go(func() {
				r, err := one.work(round)
				mu.Lock()
				defer mu.Unlock()
				rate += r
				errs[i] = err
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return err
	}
	s.rates = append(s.rates, rate)
	s.cpu = append(s.cpu, float64(cpu.Microseconds())/(rate*round.Seconds()))
	return nil
}
