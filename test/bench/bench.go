package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// scale says how long to look.
type scale struct {
	rounds   int           // alternating rounds of what is compared
	round    time.Duration // of one thing in one round
	settle   time.Duration // until a process' memory is as it stays
	backlog  int           // records of a topic that is filled in advance
	groups   int           // many groups, many members
	idle     []int         // idle connections
	samples  int           // of a latency
	patience time.Duration // for anything that should come soon
}

var (
	whole = scale{
		rounds: 5, round: 2 * time.Second, settle: 3 * time.Second, backlog: 4_000_000,
		groups: 50, idle: []int{1_000, 10_000}, samples: 1_000, patience: 2 * time.Minute,
	}
	smoke = scale{
		rounds: 1, round: 100 * time.Millisecond, settle: 100 * time.Millisecond, backlog: 400_000,
		groups: 5, idle: []int{100, 200}, samples: 20, patience: time.Minute,
	}
)

// partitions of every topic here.
const partitions = 8

// bench is one run: the servers it compares, and what it found.
type bench struct {
	scale
	binary   string
	dir      string // for configuration files
	progress io.Writer
	kafka    *harness.Kafka
	admin    *harness.Admin
	redis    *harness.Redis
	filled   map[string]bool // the topics that have a backlog
	tables   []*table
}

// start brings up Kafka and redis-server. Each section starts sluice for itself.
func start(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	if _, err := os.Stat(o.binary); err != nil {
		return nil, fmt.Errorf("%w: make build makes it", err)
	}
	b := &bench{scale: whole, binary: o.binary, progress: progress, filled: map[string]bool{}}
	if o.smoke {
		b.scale = smoke
	}
	if err := b.open(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) open(ctx context.Context) (err error) {
	if err := quickBroker(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // the first time, jars are fetched
	defer cancel()
	if b.kafka, err = harness.StartKafka(ctx, harness.KafkaOptions{Partitions: partitions}); err != nil {
		return err
	}
	if b.admin, err = harness.OpenAdmin(b.kafka.Brokers()); err != nil {
		return err
	}
	b.redis, err = harness.StartRedis(ctx)
	return err
}

// quickBroker gives the broker the JVM's full compiler: the harness starts brokers that are up
// soon, and slow ever after. _JAVA_OPTIONS is the one variable that goes above a command line.
func quickBroker() error {
	return os.Setenv("_JAVA_OPTIONS", "-XX:TieredStopAtLevel=4 -Xmx1g")
}

func (b *bench) close() {
	if b.admin != nil {
		b.admin.Close()
	}
	if b.redis != nil {
		_ = b.redis.Close()
	}
	if b.kafka != nil {
		_ = b.kafka.Close()
	}
	_ = os.RemoveAll(b.dir)
}

// with runs a proxy while do uses it, with its defaults but for what config (YAML) says.
func (b *bench) with(ctx context.Context, config string, do func(*harness.Sluice) error) error {
	s, err := b.sluice(ctx, config)
	if err != nil {
		return err
	}
	if err := do(s); err != nil {
		return errors.Join(err, s.Close(), tail(s.Output()))
	}
	return s.Close()
}

// tail is the end of what a process said, as an error that explains another.
func tail(said string) error {
	const most = 2_000
	return errors.New(said[max(0, len(said)-most):])
}

func (b *bench) sluice(ctx context.Context, config string) (*harness.Sluice, error) {
	http, err := harness.FreeAddr()
	if err != nil {
		return nil, err
	}
	o := harness.SluiceOptions{Binary: b.binary, Brokers: b.kafka.Brokers(), HTTP: http}
	if config != "" {
		file := filepath.Join(b.dir, "sluice.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			return nil, err
		}
		o.Args = []string{"--config", file}
	}
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return harness.StartSluice(ctx, o)
}

// topic creates an empty topic.
func (b *bench) topic(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return b.admin.CreateTopic(ctx, name, partitions)
}

// The topics with a backlog: one in batches of 16 KiB, as Kafka's own producer writes them by
// default, of values that compress to half their size; and a consumer's worst case, batches of a
// megabyte that compress to a hundredth, where a fetch brings a hundred times what was asked for.
const (
	backlogTopic = "backlog"
	alikeTopic   = "backlog-alike"
)

// fill gives a topic its backlog, once.
func (b *bench) fill(ctx context.Context, topic string) error {
	if b.filled[topic] {
		return nil
	}
	if err := b.topic(ctx, topic); err != nil {
		return err
	}
	b.say("filling a topic with %d records", b.backlog)
	how := "-batch=16384"
	if topic == alikeTopic {
		how = "-alike"
	}
	_, err := b.child(ctx, "produce", topic, b.backlog, how)
	b.filled[topic] = err == nil
	return err
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, "   "+format+"\n", args...) }

// wait lets time pass, or ends with ctx.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
