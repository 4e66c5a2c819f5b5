package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// contender is one side of a comparison: its load, and what it gave round by round.
type contender struct {
	load
	pid   int
	after func() error // between rounds: nothing of this round may burden the next

	n     int
	rates []float64 // accepted per second, as the client sees it
	whole []float64 // per second until after has returned: for sluice, until Kafka has them all
	cpu   []float64 // microseconds of processor time per record, of the server process
}

// round measures once.
func (c *contender) round(ctx context.Context) error {
	begin, rate := time.Now(), 0.0
	cpu, err := spent(c.pid, func() (err error) {
		if rate, err = c.run(ctx, c.n); err != nil {
			return err
		}
		return c.after()
	})
	if err != nil {
		return err
	}
	c.rates = append(c.rates, rate)
	c.whole = append(c.whole, float64(c.n)/time.Since(begin).Seconds())
	c.cpu = append(c.cpu, float64(cpu.Microseconds())/float64(c.n))
	return nil
}

// inTurn measures the contenders in alternating rounds.
func (b *bench) inTurn(ctx context.Context, contenders ...*contender) error {
	for _, c := range contenders {
		n, err := c.size(ctx, b.round)
		if err != nil {
			return err
		}
		c.n = n
		if err := c.after(); err != nil {
			return err
		}
	}
	for range b.rounds {
		for _, c := range contenders {
			if err := c.round(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// produceTarget is what the RPUSHX rate of one line is wanted to be.
func produceTarget(conns, pipeline int, ratio, rate float64) verdict {
	switch {
	case conns == 50 && pipeline == 1:
		return judge("RPUSHX ≥ 0.8 of redis", ratio >= 0.8)
	case conns == 50 && pipeline == 16:
		return judge("RPUSHX ≥ 300 000/s or ≥ 0.5 of redis", rate >= 300_000 || ratio >= 0.5)
	}
	return open
}

func (b *bench) produce(ctx context.Context) error {
	if err := b.topic(ctx, "produce"); err != nil {
		return err
	}
	t := b.table("Records of 100 bytes per second; ratios are to redis-server's RPUSH of the same round. "+
		"*In Kafka* counts the time until the broker has the last of them. CPU is the server process' own, in µs per record: redis, RPUSHX, RPUSH.",
		"connections", "pipeline", "redis RPUSH", "sluice RPUSHX", "ratio", "in Kafka", "sluice RPUSH", "ratio", "CPU")
	return b.with(ctx, "", func(s *harness.Sluice) error {
		for _, conns := range []int{1, 50} {
			for _, pipeline := range []int{1, 16, 64} {
				b.say("%d connections, pipeline %d", conns, pipeline)
				if err := b.produceLine(ctx, t, s, conns, pipeline); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *bench) produceLine(ctx context.Context, t *table, s *harness.Sluice, conns, pipeline int) error {
	redis := b.redisContender(conns, pipeline)
	buffered := b.sluiceContender(ctx, s, "RPUSHX", "produce", conns, pipeline)
	delivered := b.sluiceContender(ctx, s, "RPUSH", "produce", conns, pipeline)
	if err := b.inTurn(ctx, redis, buffered, delivered); err != nil {
		return err
	}
	toRedis := median(ratios(buffered.rates, redis.rates))
	t.add(produceTarget(conns, pipeline, toRedis, median(buffered.rates)),
		fmt.Sprint(conns), fmt.Sprint(pipeline), thousands(median(redis.rates)),
		thousands(median(buffered.rates)), ratio(toRedis), thousands(median(buffered.whole)),
		thousands(median(delivered.rates)), ratio(median(ratios(delivered.rates, redis.rates))),
		fmt.Sprintf("%.1f, %.1f, %.1f", median(redis.cpu), median(buffered.cpu), median(delivered.cpu)))
	return nil
}

func (b *bench) redisContender(conns, pipeline int) *contender {
	return &contender{
		load: load{b.redis.Addr, conns, pipeline, []string{"RPUSH", "topics:produce", value}},
		pid:  b.redis.PID(),
		after: func() error { // the list would grow without end
			c, err := dial(b.redis.Addr)
			if err != nil {
				return err
			}
			defer c.close()
			_, err = c.do("FLUSHALL")
			return err
		},
	}
}

func (b *bench) sluiceContender(ctx context.Context, s *harness.Sluice, name, topic string, conns, pipeline int) *contender {
	return &contender{
		load:  load{s.Addr, conns, pipeline, []string{name, "topics:" + topic, value}},
		pid:   s.PID(),
		after: func() error { return b.drained(ctx, s) },
	}
}
