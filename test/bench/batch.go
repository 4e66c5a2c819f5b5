package main

import (
	"context"
	"fmt"

	"github.com/sluice-proxy/sluice/test/harness"
)

const batchOptions = `{"sluice.batch":100}`

// batches compares BLPOPs of up to 100 records, acknowledged once per partition, with the plain
// binding's Poll loop.
func (b *bench) batches(ctx context.Context) error {
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	var plain []float64
	var alone, four series
	err := b.with(ctx, "", func(s *harness.Sluice) error {
		for i := range b.rounds {
			f, err := b.child(ctx, "consume", backlogTopic, b.backlog/4)
			if err != nil {
				return err
			}
			plain = append(plain, f.rate())
			if err := b.batchRound(&alone, s, fmt.Sprintf("alone-%d", i), seating{1, 1}); err != nil {
				return err
			}
			if err := b.batchRound(&four, s, fmt.Sprintf("four-%d", i), seating{1, 4}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t := b.table("Records of 100 bytes per second, each round by a new group from the start of a topic. CPU is sluice's own, in µs per record. "+
		"The plain binding's loop is Poll, with automatic commits.", "", "records/s", "to the binding", "CPU")
	t.add(open, "plain binding, one consumer", thousands(median(plain)), "1.00", "")
	alone.batchLine(t, "sluice, 1 member", plain)
	four.batchLine(t, "sluice, 4 members of a group", plain)
	return nil
}

func (s *series) batchLine(t *table, what string, plain []float64) {
	rate := median(s.rates)
	t.add(judge("≥ 250 000/s", rate >= 250_000), what, thousands(rate),
		ratio(median(ratios(s.rates, plain))), fmt.Sprintf("%.2f", median(s.cpu)))
}

// batchRound seats a new group for one round.
func (b *bench) batchRound(to *series, s *harness.Sluice, group string, seats seating) error {
	c, err := sluiceCrew(s, group, backlogTopic, batchOptions, seats)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.begin(b.patience); err != nil {
		return err
	}
	return to.add(s.PID(), b.round, c)
}
