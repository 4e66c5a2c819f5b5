package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// readers are groups of one member each that read a topic.
type readers struct {
	addr, topic  string
	groups, take int // take is how many records each takes
}

// read returns how many records all took. met is called when each has had a record of each partition, or so many.
func (r readers) read(ctx context.Context, met func() error) (int, error) {
	taken := make([]int, r.groups)
	errs := make([]error, r.groups)
	var ready, wg sync.WaitGroup
	ready.Add(r.groups)
	for i := range r.groups {
		wg.Go(func() {
			begun := sync.OnceFunc(ready.Done)
			defer begun()
			taken[i], errs[i] = r.one(ctx, fmt.Sprintf("memory-%d:w", i), begun)
		})
	}
	ready.Wait()
	err := met()
	wg.Wait()
	sum := 0
	for _, n := range taken {
		sum += n
	}
	return sum, errors.Join(append(errs, err)...)
}

// one takes records in the name of one member, acknowledges them, and says goodbye. begun is called, again and again,
// once it has had enough to be a member of its group.
func (r readers) one(ctx context.Context, member string, begun func()) (taken int, err error) {
	d, err := knock(r.addr)
	if err != nil {
		return 0, err
	}
	defer d.close()
	if _, err := d.ask("CLIENT", "SETNAME", member); err != nil {
		return 0, err
	}
	key := "topics:" + r.topic + `:{"sluice.batch":500}`
	for taken < r.take && ctx.Err() == nil {
		answer, err := d.ask("BLPOP", key, popSeconds)
		if err != nil {
			return taken, err
		}
		records, err := deliveries(answer)
		if err != nil {
			return taken, err
		}
		if taken += len(records); taken >= memoryPartitions {
			begun()
		}
		if err := acknowledge(d, records); err != nil {
			return taken, err
		}
	}
	_, err = d.ask("QUIT")
	return taken, errors.Join(err, ctx.Err())
}

// acknowledge sends the last record of each partition.
func acknowledge(d *door, records []delivery) error {
	last := map[lane]place{}
	for _, r := range records {
		last[r.lane()] = r.place
	}
	for _, at := range last {
		if _, err := d.ask("RPUSH", "acks", at.String()); err != nil {
			return err
		}
	}
	return nil
}
