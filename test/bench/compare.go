package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// comparison is one line of -compare: a load that every build gets in turn.
type comparison struct {
	section, name string
	lower         bool // a smaller figure is better
	open          func(ctx context.Context, b *bench, s *harness.Sluice) (measured, error)
}

// measured is a load on one proxy.
type measured struct {
	// round measures once. figure is a rate per second, or a latency in µs.
	round func(ctx context.Context) (figure float64, records int, err error)
	close func()
}

var comparisons = []comparison{
	{"produce", "RPUSH, 1 connection, pipeline 1", false, producing("RPUSH", 1, 1)},
	{"produce", "RPUSH, 50 connections, pipeline 1", false, producing("RPUSH", 50, 1)},
	{"produce", "RPUSHX, 50 connections, pipeline 1", false, producing("RPUSHX", 50, 1)},
	{"produce", "RPUSHX, 1 connection, pipeline 64", false, producing("RPUSHX", 1, 64)},
	{"consume", "BLPOP and its acknowledgement, 1 group", false, consuming(1)},
	{"consume", "BLPOP and its acknowledgement, 50 groups", false, consuming(50)},
	{"latency", "from RPUSH to BLPOP's answer, p50 in µs", true, relaying("RPUSH")},
	{"latency", "from RPUSHX to BLPOP's answer, p50 in µs", true, relaying("RPUSHX")},
}

// entrant is what one build gave for a line.
type entrant struct {
	binary string
	proxy  *harness.Sluice
	load   measured
	series
	threads int // the most
}

// compare measures builds of sluice in turn, and prints a table. The first build is the one that others are compared to.
func compare(ctx context.Context, o options, out, progress io.Writer) error {
	binaries := strings.Split(o.compare, ",")
	chosen, err := chooseComparisons(o.only)
	if err != nil {
		return err
	}
	o.binary = binaries[0]
	b, err := start(ctx, o, progress)
	if err != nil {
		return err
	}
	defer b.close()
	b.rounds = max(b.rounds, o.rounds)
	fmt.Fprint(out, b.machine(ctx, "go run ./test/bench -compare "+o.compare), "\n## Builds of sluice compared\n")
	t := b.compared(binaries)
	for _, c := range chosen {
		if err := b.compareLine(ctx, t, c, binaries); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	fmt.Fprint(out, t.markdown())
	return nil
}

// chooseComparisons returns the lines of the named sections, all when none is named.
func chooseComparisons(only string) (chosen []comparison, err error) {
	names := strings.Split(only, ",")
	for _, c := range comparisons {
		if only == "" || slices.Contains(names, c.section) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("-only with -compare: there are produce, consume, latency")
	}
	return chosen, nil
}

// compared is the table: a column for the first build, and three for each other.
func (b *bench) compared(binaries []string) *table {
	head := []string{"", filepath.Base(binaries[0])}
	for _, binary := range binaries[1:] {
		head = append(head, filepath.Base(binary), "ratio", "lowest to highest")
	}
	return &table{head: append(head, "CPU", "threads"), note: fmt.Sprintf("Medians of %d rounds, in which the builds take turns, each round in the other order than the one before. "+
		"A ratio is the median of the rounds' own ratios to the first build, with the lowest and the highest of them: a line shows nothing when these lie on "+
		"both sides of 1. CPU is the server process' own, in µs per record. Threads are the most of the process.", b.rounds)}
}

// compareLine measures one line. Every build runs for as long as the line, with a load of its own.
func (b *bench) compareLine(ctx context.Context, t *table, c comparison, binaries []string) (err error) {
	entrants := make([]*entrant, len(binaries))
	for i, binary := range binaries {
		b.binary = binary
		e := &entrant{binary: binary}
		if e.proxy, err = b.sluice(ctx, ""); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, e.proxy.Close()) }()
		if e.load, err = c.open(ctx, b, e.proxy); err != nil {
			return err
		}
		defer e.load.close()
		entrants[i] = e
	}
	order := slices.Clone(entrants)
	for range b.rounds {
		for _, e := range order {
			if err := e.measure(ctx); err != nil {
				return fmt.Errorf("%s: %w", e.binary, err)
			}
		}
		slices.Reverse(order)
	}
	cells := cellsOf(c, entrants)
	b.say("%s", strings.Join(cells, " | "))
	t.rows = append(t.rows, cells)
	return nil
}

// measure adds a round to what the entrant gave.
func (e *entrant) measure(ctx context.Context) error {
	figure, records := 0.0, 0
	stop := peak(ctx, e.proxy.PID())
	cpu, err := spent(e.proxy.PID(), func() (err error) {
		figure, records, err = e.load.round(ctx)
		return err
	})
	e.threads = max(e.threads, stop().Threads)
	if err != nil {
		return err
	}
	e.rates = append(e.rates, figure)
	e.cpu = append(e.cpu, float64(cpu.Microseconds())/float64(max(1, records)))
	return nil
}

func cellsOf(c comparison, entrants []*entrant) []string {
	first := entrants[0]
	cells := []string{c.name, thousands(median(first.rates))}
	var cpu, threads []string
	for i, e := range entrants {
		if i > 0 {
			r := ratios(e.rates, first.rates)
			cells = append(cells, thousands(median(e.rates)), ratio(median(r)), ratio(slices.Min(r))+" to "+ratio(slices.Max(r)))
		}
		cpu, threads = append(cpu, fmt.Sprintf("%.1f", median(e.cpu))), append(threads, fmt.Sprint(e.threads))
	}
	if c.lower {
		cells[0] += " (less is better)"
	}
	return append(cells, strings.Join(cpu, ", "), strings.Join(threads, ", "))
}

// producing sends one command again and again; a round ends when the brokers have all records.
func producing(command string, conns, pipeline int) func(context.Context, *bench, *harness.Sluice) (measured, error) {
	return func(ctx context.Context, b *bench, s *harness.Sluice) (m measured, err error) {
		topic := fmt.Sprintf("compare-%d", time.Now().UnixNano())
		if err := b.topic(ctx, topic); err != nil {
			return m, err
		}
		c := b.sluiceContender(ctx, s, command, topic, conns, pipeline)
		if c.n, err = c.size(ctx, b.round); err != nil {
			return m, err
		}
		round := func(ctx context.Context) (float64, int, error) {
			rate, err := c.run(ctx, c.n)
			return rate, c.n, errors.Join(err, c.after())
		}
		return measured{round: round, close: func() {}}, c.after()
	}
}

// warmCompared is how many rounds of consuming nobody counts, for each build.
const warmCompared = 5

// consuming takes and acknowledges a record at a time, one connection for each group.
func consuming(groups int) func(context.Context, *bench, *harness.Sluice) (measured, error) {
	return func(ctx context.Context, b *bench, s *harness.Sluice) (m measured, err error) {
		if err := b.fill(ctx, backlogTopic); err != nil {
			return m, err
		}
		c, err := sluiceCrew(s, fmt.Sprintf("compare-%d", time.Now().UnixNano()), backlogTopic, "", seating{min(groups, b.groups), 1})
		if err != nil {
			return m, err
		}
		if err = c.begin(b.patience); err == nil {
			_, err = c.work(warmCompared * b.round)
		}
		if err != nil {
			c.close()
			return m, err
		}
		round := func(context.Context) (float64, int, error) {
			rate, err := c.work(b.round)
			return rate, int(rate * b.round.Seconds()), err
		}
		return measured{round: round, close: c.close}, nil
	}
}

// relaying brings one record at a time from one connection to another.
func relaying(command string) func(context.Context, *bench, *harness.Sluice) (measured, error) {
	return func(ctx context.Context, b *bench, s *harness.Sluice) (m measured, err error) {
		p, err := b.sluiceRelay(ctx, s, command)
		if err != nil {
			return m, err
		}
		if err := p.warm(ctx, b.samples); err != nil {
			p.close()
			return m, err
		}
		samples := b.samples / turns
		round := func(ctx context.Context) (float64, int, error) {
			times, err := p.times(ctx, samples)
			if err != nil {
				return 0, 0, err
			}
			slices.Sort(times)
			return float64(percentile(times, 50).Nanoseconds()) / 1000, samples, nil
		}
		return measured{round: round, close: p.close}, nil
	}
}
