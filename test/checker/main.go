package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// options are the command line.
type options struct {
	plan    plan
	match   string
	mutants bool
	list    bool
	keep    bool
	doors   string
	long    bool
	memory  bool
	topics  bool
	deploys bool
	fake    bool
}

// doors are what -door may say: whether to go through the Redis door, the HTTP door, or first one and
// then the other.
var doors = map[string][]bool{"resp": {false}, "http": {true}, "both": {false, true}}

// What a short run does to each fault.
const (
	shortDuration = 5 * time.Second
	usualRate     = 800
)

// How long nothing may happen before what is left counts as lost. A member's grace of 5 s and a
// session timeout of Kafka's have to fit in; a mutant need not be given every chance.
const (
	usualPatience  = 30 * time.Second
	mutantPatience = 10 * time.Second
)

func main() {
	runAsClient()
	var o options
	flag.StringVar(&o.plan.Binary, "binary", "", "the sluice to try; built from this source when empty")
	flag.DurationVar(&o.plan.Duration, "duration", shortDuration, "how long each fault is repeated; it happens once at least")
	flag.IntVar(&o.plan.Rate, "rate", usualRate, "records a second of each of the three producers")
	flag.StringVar(&o.doors, "door", "both", "which door the clients use: resp, http, or both in turn")
	flag.StringVar(&o.match, "fault", "", "only faults and mutants (with -memory, -topics and -deploys, rows) that match this regular expression")
	flag.BoolVar(&o.mutants, "mutants", true, "also build wrong sluices, and fail when one is not caught")
	flag.BoolVar(&o.long, "long", false, "the faults that take long, in the place of the others")
	flag.BoolVar(&o.memory, "memory", false, "in the place of faults: many groups read compressed batches, and what sluice takes of memory")
	flag.BoolVar(&o.topics, "topics", false, "in the place of faults: records to very many topics at once, and what that takes of threads and time")
	flag.BoolVar(&o.deploys, "deploys", false, "in the place of faults: workers are replaced by ones with other topics or properties, and how long a partition stands still")
	flag.BoolVar(&o.fake, "fake", false, "on a Kafka inside this process: only faults that need no more")
	flag.BoolVar(&o.keep, "keep", false, "keep every history, not only those that break a rule")
	flag.BoolVar(&o.list, "list", false, "list the faults and the mutants")
	flag.Parse()
	o.plan.Patience = usualPatience
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := o.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (o *options) run(ctx context.Context, out io.Writer) error {
	match, err := regexp.Compile(o.match)
	if err != nil {
		return err
	}
	if doors[o.doors] == nil {
		return fmt.Errorf("-door %s: there are resp, http and both", o.doors)
	}
	if o.list {
		list(out)
		return nil
	}
	dir, err := os.MkdirTemp("", "checker-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.plan.Binary == "" {
		if o.plan.Binary, err = harness.Build(ctx, dir); err != nil {
			return err
		}
	}
	switch {
	case o.memory:
		return o.tryMemory(ctx, match, out)
	case o.topics:
		return o.tryTopics(ctx, match, out)
	case o.deploys:
		return o.tryDeploys(ctx, match, out)
	}
	return o.tryAll(ctx, match, dir, out)
}

func list(out io.Writer) {
	for _, f := range faults {
		how := ""
		if f.long {
			how = " (with -long)"
		}
		fmt.Fprintf(out, "fault   %s%s\n", f.Name, how)
	}
	for _, m := range mutants {
		fmt.Fprintf(out, "mutant  %s (during: %s)\n", m.Name, m.fault)
	}
	fmt.Fprintf(out, "mutant  %s (with -memory, during: %s)\n", memoryMutant.Name, memoryMutant.fault)
}

// tryAll tries the true sluice and the wrong ones: first one by one what hurts others, then the rest on all clusters.
// The error names the trials that failed.
func (o *options) tryAll(ctx context.Context, match *regexp.Regexp, dir string, out io.Writer) (err error) {
	printHeader(out)
	if o.mutants && !o.long {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		buildAll(ctx, dir, slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return !o.hunts(m, match) }))
	}
	var failed []error
	var beside []job
	for _, nodes := range sizes {
		jobs := o.jobs(nodes, match)
		if len(jobs) == 0 || ctx.Err() != nil {
			continue
		}
		s, openErr := o.open(ctx, nodes)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, s.close()) }()
		errs, later := s.tryAlone(ctx, jobs, out)
		failed, beside = append(failed, errs...), append(beside, later...)
	}
	failed = append(failed, tryTogether(ctx, beside, out)...)
	if len(failed) > 0 {
		return fmt.Errorf("%d trials failed:\n%w", len(failed), errors.Join(failed...))
	}
	return ctx.Err()
}

// hunts tells whether a mutant is to be tried.
func (o *options) hunts(m *mutant, match *regexp.Regexp) bool {
	return match.MatchString(m.Name) && (findFault(m.fault).beside || !o.fake)
}

// open opens the cluster.
func (o *options) open(ctx context.Context, nodes int) (*stage, error) {
	if o.fake {
		return openFakeStage(nodes)
	}
	return openStage(ctx, nodes)
}

// jobs are what is to be tried on a cluster of so many nodes.
func (o *options) jobs(nodes int, match *regexp.Regexp) []job {
	var all []job
	for _, web := range doors[o.doors] {
		for _, f := range faults {
			if web && nodes == 1 && o.doors == "both" && !o.long {
				continue // what one broker changes is the same at both doors: for HTTP it is tried when asked for
			}
			if f.on(nodes) && f.long == o.long && f.at(web) && match.MatchString(f.Name) && (f.beside || !o.fake) {
				p := o.plan
				p.Web = web
				all = append(all, job{beside: f.beside, run: func(ctx context.Context, s *stage, out io.Writer) error {
					return s.try(ctx, f, p, o.keep, out)
				}})
			}
		}
	}
	if nodes != sizes[0] || !o.mutants || o.long {
		return all
	}
	for _, m := range mutants {
		if o.hunts(m, match) {
			all = append(all, job{beside: findFault(m.fault).beside, run: func(ctx context.Context, s *stage, out io.Writer) error {
				return s.hunt(ctx, m, o.plan, out)
			}})
		}
	}
	return all
}

// try tries one fault, and prints how it went. The error says that it went wrong.
func (s *stage) try(ctx context.Context, f *fault, p plan, keep bool, out io.Writer) error {
	r, err := s.run(ctx, f, p)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.Name, err)
		fmt.Fprintln(out, err)
		return err
	}
	r.print(out, f.Name, len(s.kafka.Nodes))
	if keep || len(r.Broken) > 0 {
		if err := r.keep(out); err != nil {
			return err
		}
	}
	if len(r.Broken) > 0 {
		return fmt.Errorf("%s: %s", f.Name, &r.Broken[0])
	}
	return nil
}

// hunt tries a mutant during the fault that exposes it. The error says that it was not caught.
func (s *stage) hunt(ctx context.Context, m *mutant, p plan, out io.Writer) error {
	err := s.catch(ctx, m, p, out)
	if err != nil {
		err = fmt.Errorf("mutant %q: %w", m.Name, err)
		fmt.Fprintln(out, err)
	}
	return err
}

func (s *stage) catch(ctx context.Context, m *mutant, p plan, out io.Writer) error {
	binary := <-m.built
	if binary.err != nil {
		return binary.err
	}
	p.Binary = binary.path
	p.Web, p.Duration, p.Patience = m.web, 0, mutantPatience // once must be enough
	r, err := s.run(ctx, findFault(m.fault), p)
	if err != nil {
		return err
	}
	if r.rule(m.rule) == nil {
		r.print(out, m.Name, len(s.kafka.Nodes))
		return fmt.Errorf("not caught: nothing says %q", m.rule)
	}
	fmt.Fprintf(out, "mutant %q is caught: %s\n", m.Name, r.rule(m.rule))
	return nil
}
