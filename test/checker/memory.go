package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// What is in the topics whose batches unpack to much more than is fetched, and who reads them.
const (
	memoryGroups     = 50
	memoryPartitions = 12
	memoryBatches    = 2 // in each partition
	memoryRecords    = 10_000
	memoryValue      = 100
)

// memoryTaken is how many records each group takes before it leaves: by then sluice has asked for all partitions.
const memoryTaken = memoryPartitions * memoryRecords / 10

// memoryLimit is MemoryMax of the unit.
const memoryLimit = 2048 * mebi

const mebi = 1 << 20

// memoryTime bounds one codec's trial; memoryRest is how long the groups are away when memory is looked at again.
const (
	memoryTime     = 4 * time.Minute
	memoryRest     = time.Minute
	bystanderPause = 20 * time.Millisecond
	bystanderTopic = "bystander"
	// memorySettle is how long sluice is up when memory is looked at first.
	memorySettle = 3 * time.Second
)

const (
	memoryHeader = "    %-12s %7s %9s %8s %10s %10s %16s %10s %8s %8s\n"
	memoryRow    = "    %-12s %7d %9d %8s %6d MiB %6d MiB %12d MiB %10s %8s %8s\n"
)

// tryMemory has many groups read compressed batches, and tells what sluice takes of memory.
func (o *options) tryMemory(ctx context.Context, match *regexp.Regexp, out io.Writer) error {
	s, err := o.open(ctx, 1)
	if err != nil {
		return err
	}
	if err := s.create(ctx, bystanderTopic, layout{Partitions: 1}); err != nil {
		return errors.Join(err, s.close())
	}
	fmt.Fprintf(out, memoryHeader, "codec", "groups", "records", "time", "at first", "at most", "a minute after", "ends", "RPUSH", "healthz")
	var errs []error
	for _, codec := range []string{"lz4", "gzip", "zstd"} {
		for _, b := range []backlog{{codec: codec}, {codec: codec, burst: true}, {codec: codec, worst: true}} {
			if match.MatchString(b.String()) && (!b.worst || codec == "gzip") {
				errs = append(errs, s.memoryOf(ctx, b, o.plan, memoryLimit, out))
			}
		}
	}
	if o.mutants && match.MatchString(memoryMutant.Name) {
		errs = append(errs, s.huntMemory(ctx, o.plan, out))
	}
	return errors.Join(append(errs, s.close())...)
}

var errMemory = errors.New(ruleMemory)

// backlog is what groups read: there before they come, or written in one burst while all of them wait; or one batch for
// one group, the largest that gzip can make of what a topic takes by default.
type backlog struct {
	codec        string
	burst, worst bool
}

func (b backlog) String() string {
	switch {
	case b.burst:
		return b.codec + ", burst"
	case b.worst:
		return b.codec + ", worst"
	}
	return b.codec
}

// readers is how many groups read it, and how many records each takes.
func (b backlog) readers() (groups, take int) {
	if b.worst {
		return 1, worstRecords
	}
	return memoryGroups, memoryTaken
}

// write writes what is there before groups come, or what comes when they wait.
func (b backlog) write(ctx context.Context, s *stage, topic string, waiting bool) error {
	switch {
	case b.burst && !waiting: // a record for each partition, to see that everybody is there
		return s.admin.ProduceBatches(ctx, topic, b.codec, memoryPartitions, 1, []byte("first"))
	case b.burst != waiting:
		return nil
	case b.worst:
		raw, err := worstBatch()
		if err != nil {
			return err
		}
		return s.admin.WriteBatch(ctx, topic, raw)
	}
	value := []byte(strings.Repeat("x", memoryValue))
	for range memoryBatches {
		if err := s.admin.ProduceBatches(ctx, topic, b.codec, memoryPartitions, memoryRecords, value); err != nil {
			return err
		}
	}
	return nil
}

// memoryOf tries one backlog. The error is errMemory when sluice takes more than limit.
func (s *stage) memoryOf(ctx context.Context, b backlog, p plan, limit int, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, memoryTime)
	defer cancel()
	topic := fmt.Sprintf("memory-%d", s.tried.Add(1))
	if err := s.create(ctx, topic, layout{Partitions: memoryPartitions}); err != nil {
		return err
	}
	if err := b.write(ctx, s, topic, false); err != nil {
		return err
	}
	management, err := harness.FreeAddr()
	if err != nil {
		return err
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{Binary: p.Binary, Brokers: s.kafka.Brokers(), Management: management})
	if err != nil {
		return err
	}
	defer func() { _ = sluice.Close() }()
	if err := pause(ctx, memorySettle); err != nil {
		return err
	}
	first, _, err := memory(sluice.PID())
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched, stood := make(chan int, 1), make(chan bystander, 1)
	go func() { watched <- guard(watching, sluice, limit) }()
	go func() { stood <- standBy(watching, sluice) }()
	groups, take := b.readers()
	r := readers{addr: sluice.Addr, topic: topic, groups: groups, take: take}
	begun := time.Now()
	taken, err := r.read(ctx, func() error { return b.write(ctx, s, topic, true) })
	spent := time.Since(begun).Round(100 * time.Millisecond)
	if err == nil {
		err = pause(ctx, memoryRest)
	}
	after, _, _ := memory(sluice.PID())
	stop()
	end, most, other := "lives", <-watched, <-stood
	if most > limit {
		end = "killed"
		err = fmt.Errorf("%w: %s: %d MiB, of %d", errMemory, b, most/mebi, limit/mebi)
	}
	fmt.Fprintf(out, memoryRow, b, groups, taken, spent, first/mebi, most/mebi, after/mebi, end,
		other.push.Round(time.Millisecond), other.health.Round(time.Millisecond))
	if end == "killed" {
		return err
	}
	return errors.Join(err, other.err)
}
