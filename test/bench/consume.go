package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// seating is how consumers are spread over groups.
type seating struct{ groups, members int }

func (s seating) String() string {
	return fmt.Sprintf("%d × %d", s.groups, s.members)
}

// consume compares BLPOP, RPUSH acks, BLPOP: a record at a time, each acknowledged.
func (b *bench) consume(ctx context.Context) error {
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	t := b.table("Records of 100 bytes per second; each is two round trips, a BLPOP and an RPUSH. redis-server has one list per group. "+
		"CPU is the server process' own, in µs per record. Before the rounds of a line sluice's clients consume for as long as sixteen of them: the broker's JVM compiles "+
		"what that asks of it for half a minute, and takes up to half a processor meanwhile.",
		"groups × members", "redis", "sluice", "ratio", "CPU redis", "CPU sluice")
	for _, s := range []seating{{1, 1}, {1, 4}, {b.groups, 1}} {
		b.say("%s", s)
		if err := b.consumeLine(ctx, t, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// warmConsume is how many rounds nobody counts, while the broker's JVM compiles: 26 seconds, once looked at.
const warmConsume = 16

// consumeLine runs a proxy of its own: groups of other lines would burden it.
func (b *bench) consumeLine(ctx context.Context, t *table, seats seating) error {
	var redis, sluice series
	err := b.with(ctx, "", func(s *harness.Sluice) error {
		ours, err := sluiceCrew(s, fmt.Sprintf("one-by-one-%d-%d", seats.groups, seats.members), backlogTopic, "", seats)
		if err != nil {
			return err
		}
		defer ours.close()
		if err := ours.begin(b.patience); err != nil {
			return err
		}
		warm, err := ours.work(warmConsume * b.round)
		if err != nil {
			return err
		}
		for range b.rounds {
			if err := b.redisRound(&redis, seats); err != nil {
				return fmt.Errorf("redis: %w", err)
			}
			if err := sluice.add(s.PID(), b.round, ours); err != nil {
				return fmt.Errorf("sluice: %w", err)
			}
		}
		return b.lasted(seats.groups, warmConsume*warm+sum(sluice.rates))
	})
	if err != nil {
		return err
	}
	r := median(ratios(sluice.rates, redis.rates))
	t.add(judge("≥ 0.9", r >= 0.9), seats.String(), thousands(median(redis.rates)), thousands(median(sluice.rates)), ratio(r),
		fmt.Sprintf("%.1f", median(redis.cpu)), fmt.Sprintf("%.1f", median(sluice.cpu)))
	return nil
}

// lasted is an error when groups had little left of the backlog, each of its own: some of their workers may have
// waited for records of partitions that were at their end. rates are those of all rounds together.
func (b *bench) lasted(groups int, rates float64) error {
	taken, all := rates*b.round.Seconds(), float64(b.backlog*groups)
	if taken > 0.9*all {
		return fmt.Errorf("%.0f of %.0f records were taken: this machine needs a longer backlog", taken, all)
	}
	return nil
}

func sum(values []float64) (all float64) {
	for _, v := range values {
		all += v
	}
	return all
}

// series is what rounds gave.
type series struct{ rates, cpu []float64 }

// add measures a crew once; pid is the server's.
func (s *series) add(pid int, round time.Duration, c crew) error {
	rate := 0.0
	cpu, err := spent(pid, func() (err error) {
		rate, err = c.work(round)
		return err
	})
	if err != nil {
		return err
	}
	s.rates = append(s.rates, rate)
	s.cpu = append(s.cpu, float64(cpu.Microseconds())/(rate*round.Seconds()))
	return nil
}

func sluiceCrew(s *harness.Sluice, prefix, topic, options string, seats seating) (crew, error) {
	var c crew
	for g := range seats.groups {
		for m := range seats.members {
			w, err := sluiceWorker(s, fmt.Sprintf("%s-%d", prefix, g), fmt.Sprint(m), topic, options)
			if err != nil {
				c.close()
				return nil, err
			}
			c = append(c, w)
		}
	}
	return c, nil
}

// redisRound fills the lists anew and takes from them on as many connections.
func (b *bench) redisRound(to *series, seats seating) error {
	if err := b.fillLists(seats.groups); err != nil {
		return err
	}
	var c crew
	defer func() { c.close() }()
	for i := range seats.groups * seats.members {
		w, err := redisWorker(b.redis.Addr, backlogList(i%seats.groups))
		if err != nil {
			return err
		}
		c = append(c, w)
	}
	if err := c.begin(b.patience); err != nil {
		return err
	}
	return to.add(b.redis.PID(), b.round, c)
}

func backlogList(i int) string { return fmt.Sprintf("topics:backlog-%d", i) }

// fillLists leaves redis-server with a backlog for one round.
func (b *bench) fillLists(lists int) error {
	c, err := dial(b.redis.Addr)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do("FLUSHALL"); err != nil {
		return err
	}
	const mostPerSecond = 120_000 // more than any redis-server gives a record at a time
	each := max(1_000, int(b.round.Seconds()*mostPerSecond)/lists)
	for i := range lists {
		if err := c.fillList(backlogList(i), each); err != nil {
			return err
		}
	}
	return nil
}

// fillList appends n values to a list.
func (c *conn) fillList(list string, n int) error {
	args := []string{"RPUSH", list}
	for range min(n, 500) {
		args = append(args, value)
	}
	for n > 0 {
		if n < len(args)-2 {
			args = args[:n+2]
		}
		if _, err := c.do(args...); err != nil {
			return err
		}
		n -= len(args) - 2
	}
	return nil
}
