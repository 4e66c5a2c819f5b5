// Command bench measures sluice side by side with redis-server and with librdkafka's plain Go
// binding, on a real Apache Kafka, in one run on one machine:
//
//	go run ./test/bench                      # as make bench: everything, into docs/benchmarks.md
//	go run ./test/bench -only consume,batch  # some sections, printed only
//	go run ./test/bench -smoke               # everything for a moment: does it run?
//	go run ./test/bench -compare bin/a,bin/b # builds of sluice against each other, printed only
//
// It fails when something does not run, never because of a figure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sluice-proxy/sluice/test/harness"
)

// section is one subject of the report. measure adds its tables to the bench.
type section struct {
	name, title string
	measure     func(*bench, context.Context) error
}

var sections = []section{
	{"produce", "Produce: redis-server against sluice", (*bench).produce},
	{"binding", "Produce: the plain binding against sluice", (*bench).againstBinding},
	{"consume", "Consume one by one: redis-server against sluice", (*bench).consume},
	{"batch", "Consume in batches", (*bench).batches},
	{"connections", "What connections cost", (*bench).connections},
	{"listeners", "What listeners cost", (*bench).listenersCost},
	{"groups", "What groups cost", (*bench).groupsCost},
	{"http", "Produce over HTTP: sluice's two doors and the plain binding", (*bench).overHTTP},
	{"http-consume", "Consume over HTTP", (*bench).consumeHTTP},
	{"http-streams", "Streams of events over HTTP", (*bench).streamsHTTP},
	{"failing", "Consume while records fail", (*bench).failing},
	{"latency", "From produce to BLPOP's answer", (*bench).latency},
}

type options struct {
	smoke             bool
	only, out, binary string
	compare           string
	rounds            int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	if len(args) > 0 && children[args[0]] != nil {
		return runChild(ctx, args[0], args[1:], out)
	}
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	if o.compare != "" {
		return compare(ctx, o, out, progress)
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	root, err := harness.Root()
	if err != nil {
		return err
	}
	if o.binary == "" {
		o.binary = filepath.Join(root, "bin", "sluice")
	}
	report, err := measure(ctx, o, chosen, out, progress)
	if err != nil || o.smoke || o.only != "" {
		return err
	}
	if !filepath.IsAbs(o.out) {
		o.out = filepath.Join(root, o.out)
	}
	return writeBetweenMarkers(o.out, report)
}

func parse(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.BoolVar(&o.smoke, "smoke", false, "run everything for a moment; figures mean nothing and are not written")
	flags.StringVar(&o.only, "only", "", "sections to run, separated by commas; printed, not written")
	flags.StringVar(&o.out, "out", "docs/benchmarks.md", "the file that takes the results of a whole run, between its markers")
	flags.StringVar(&o.binary, "binary", "", "the built sluice (bin/sluice)")
	flags.StringVar(&o.compare, "compare", "", "built sluices, separated by commas: measure them in turn, with -only produce, consume or latency")
	flags.IntVar(&o.rounds, "rounds", 0, "rounds of -compare, when more than 5")
	return o, flags.Parse(args)
}

// choose returns the sections of that names, in their own order; all when none is named.
func choose(only string) ([]section, error) {
	if only == "" {
		return sections, nil
	}
	names := strings.Split(only, ",")
	var chosen []section
	for _, s := range sections {
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) != len(names) {
		return nil, fmt.Errorf("-only %s: there are %s", only, strings.Join(sectionNames(), ", "))
	}
	return chosen, nil
}

func sectionNames() (names []string) {
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// measure runs the sections, prints each table when it is there, and returns the whole report.
func measure(ctx context.Context, o options, chosen []section, out, progress io.Writer) (string, error) {
	b, err := start(ctx, o, progress)
	if err != nil {
		return "", err
	}
	defer b.close()
	report := b.machine(ctx, "make bench")
	fmt.Fprint(out, report)
	for _, s := range chosen {
		fmt.Fprintf(progress, "== %s\n", s.name)
		b.tables = nil
		if err := s.measure(b, ctx); err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		text := "\n## " + s.title + "\n"
		for _, t := range b.tables {
			text += t.markdown()
		}
		fmt.Fprint(out, text)
		report += text
	}
	return report, nil
}
