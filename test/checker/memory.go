package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
	memoryTime = 4 * time.Minute
	memoryRest = time.Minute
)

const (
	memoryHeader = "    %-8s %7s %9s %10s %10s %16s %10s\n"
	memoryRow    = "    %-8s %7d %9d %6d MiB %6d MiB %12d MiB %10s\n"
)

// tryMemory has many groups read compressed batches, and tells what sluice takes of memory.
func (o *options) tryMemory(ctx context.Context, match *regexp.Regexp, out io.Writer) error {
	s, err := o.open(ctx, 1)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, memoryHeader, "codec", "groups", "records", "at first", "at most", "a minute after", "ends")
	var errs []error
	for _, codec := range []string{"lz4", "gzip", "zstd"} {
		if match.MatchString(codec) {
			errs = append(errs, s.memoryOf(ctx, codec, o.plan, out))
		}
	}
	return errors.Join(append(errs, s.close())...)
}

// memoryOf tries one codec.
func (s *stage) memoryOf(ctx context.Context, codec string, p plan, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, memoryTime)
	defer cancel()
	topic := "memory-" + codec
	if err := s.fill(ctx, topic, codec); err != nil {
		return err
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{Binary: p.Binary, Brokers: s.kafka.Brokers()})
	if err != nil {
		return err
	}
	defer func() { _ = sluice.Close() }()
	first, _, err := memory(sluice.PID())
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan int, 1)
	go func() { watched <- guard(watching, sluice) }()
	taken, err := s.readByMany(ctx, sluice.Addr, topic)
	if err == nil {
		err = pause(ctx, memoryRest)
	}
	after, _, _ := memory(sluice.PID())
	stop()
	end, most := "lives", <-watched
	if most > memoryLimit {
		end = "killed"
		err = fmt.Errorf("%s: %d MiB are more than the unit's MemoryMax of %d MiB", codec, most/mebi, memoryLimit/mebi)
	}
	fmt.Fprintf(out, memoryRow, codec, memoryGroups, taken, first/mebi, most/mebi, after/mebi, end)
	return err
}

// fill makes a topic of compressed batches.
func (s *stage) fill(ctx context.Context, topic, codec string) error {
	err := s.create(ctx, topic, layout{Partitions: memoryPartitions})
	for range memoryBatches {
		if err == nil {
			err = s.admin.ProduceBatches(ctx, topic, codec, memoryPartitions, memoryRecords, []byte(strings.Repeat("x", memoryValue)))
		}
	}
	return err
}

// guard kills sluice when it takes more memory than its unit allows, as the kernel would, and returns the most
// that it took.
func guard(ctx context.Context, sluice *harness.Sluice) (most int) {
	for pause(ctx, 20*time.Millisecond) == nil {
		_, peak, err := memory(sluice.PID())
		if err != nil {
			return most
		}
		if most = max(most, peak); most > memoryLimit {
			_ = sluice.Kill()
			return most
		}
	}
	return most
}

// memory reads how many bytes a process has resident, and had at most.
func memory(pid int) (now, most int, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		n, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			most = n << 10
		}
	}
	return now, most, nil
}

// readByMany has many groups read a topic at the same time, and returns how many records they took in all.
func (s *stage) readByMany(ctx context.Context, addr, topic string) (int, error) {
	taken := make([]int, memoryGroups)
	errs := make([]error, memoryGroups)
	var wg sync.WaitGroup
	for i := range memoryGroups {
		wg.Go(func() { taken[i], errs[i] = readSome(ctx, addr, topic, fmt.Sprintf("memory-%d:w", i)) })
	}
	wg.Wait()
	sum := 0
	for _, n := range taken {
		sum += n
	}
	return sum, errors.Join(errs...)
}

// readSome takes records in the name of one member, acknowledges them, and says goodbye.
func readSome(ctx context.Context, addr, topic, member string) (taken int, err error) {
	d, err := knock(addr)
	if err != nil {
		return 0, err
	}
	defer d.close()
	if _, err := d.ask("CLIENT", "SETNAME", member); err != nil {
		return 0, err
	}
	key := "topics:" + topic + `:{"sluice.batch":500}`
	for taken < memoryTaken && ctx.Err() == nil {
		answer, err := d.ask("BLPOP", key, popSeconds)
		if err != nil {
			return taken, err
		}
		records, err := deliveries(answer)
		if err != nil {
			return taken, err
		}
		taken += len(records)
		last := map[lane]place{}
		for _, r := range records {
			last[r.lane()] = r.place
		}
		for _, at := range last {
			if _, err := d.ask("RPUSH", "acks", at.String()); err != nil {
				return taken, err
			}
		}
	}
	_, err = d.ask("QUIT")
	return taken, errors.Join(err, ctx.Err())
}
