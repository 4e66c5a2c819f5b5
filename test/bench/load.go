package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// load is what redis-benchmark sends: one command again and again. It is a single-threaded C
// program: the cheapest client there is, and the same for both sides.
type load struct {
	addr            string
	conns, pipeline int
	command         []string
}

// even is n, or the next number of commands that are whole pipelines. redis-benchmark 7.0 sends nothing else, and takes
// the end for the loss of its clients when it has sent more than it was asked for and its clock ticks just then
// (four of 614 runs against redis-server).
func (l load) even(n int) int { return (n + l.pipeline - 1) / l.pipeline * l.pipeline }

// run sends n commands, in whole pipelines, and returns their rate per second.
func (l load) run(ctx context.Context, n int) (float64, error) {
	host, port, err := net.SplitHostPort(l.addr)
	if err != nil {
		return 0, err
	}
	args := []string{
		"-h", host, "-p", port, "-c", strconv.Itoa(l.conns), "-P", strconv.Itoa(l.pipeline),
		"-n", strconv.Itoa(l.even(n)), "--csv",
	}
	out, err := exec.CommandContext(ctx, "redis-benchmark", append(args, l.command...)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w\n%s", err, out)
	}
	return rateOf(string(out))
}

// rateOf finds the rate in redis-benchmark's --csv: "command","rps","avg_latency_ms",...
func rateOf(out string) (float64, error) {
	_, rows, found := strings.Cut(out, `"test","rps"`)
	if !found {
		return 0, fmt.Errorf("redis-benchmark said: %s", out)
	}
	records, err := csv.NewReader(strings.NewReader(`"test","rps"` + rows)).ReadAll()
	if err != nil || len(records) < 2 {
		return 0, fmt.Errorf("redis-benchmark said: %s", out)
	}
	return strconv.ParseFloat(records[1][1], 64)
}

// size finds how many commands take about as long as a round, in whole pipelines, by a short run that also warms up.
func (l load) size(ctx context.Context, round time.Duration) (int, error) {
	some := max(2_000, 20*l.conns*l.pipeline)
	rate, err := l.run(ctx, some)
	if err != nil {
		return 0, err
	}
	if rate, err = l.run(ctx, max(some, int(rate*round.Seconds()/10))); err != nil { // now warm
		return 0, err
	}
	return l.even(max(some, min(int(rate*round.Seconds()), 3_000_000))), nil
}

// drained returns when sluice has nothing left to send to Kafka; it is an error when something was
// not delivered.
func (b *bench) drained(ctx context.Context, s *harness.Sluice) error {
	c, err := dial(s.Addr)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return harness.Until(ctx, func(context.Context) error {
		stats, err := c.do("HGETALL", "stats")
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(stats); i += 2 {
			lacking := stats[i] == "producer.unflushed.messages" || stats[i] == "producer.delivery.errors"
			if lacking && stats[i+1] != "0" {
				return fmt.Errorf("%s: %s", stats[i], stats[i+1])
			}
		}
		return nil
	})
}
