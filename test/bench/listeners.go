package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-proxy/sluice/test/harness"
)

// moreListeners is how many listeners one proxy has beside that of resp.address.
const moreListeners = 10

// listenersCost shows what ten more listeners cost those who use the first of them, and those who use the last.
func (b *bench) listenersCost(ctx context.Context) error {
	if err := b.topic(ctx, "listeners"); err != nil {
		return err
	}
	config := []string{"resp:", "  listeners:"}
	var last string
	for i := range moreListeners {
		addr, err := harness.FreeAddr()
		if err != nil {
			return err
		}
		config = append(config, fmt.Sprintf("    l%d: {address: '%s', reply: strings}", i, addr))
		last = addr
	}
	t := b.table("One proxy with one listener, and one with ten more, in turn. Records of 100 bytes per second; ratios are to the proxy with one listener, "+
		"medians of the rounds' own. RSS, threads and file descriptors are those of the process with one listener, and of that with eleven, after the load.",
		"", "one listener", "of eleven, the first", "ratio", "the last", "ratio", "memory", "threads", "files")
	return b.with(ctx, "", func(one *harness.Sluice) error {
		return b.with(ctx, strings.Join(config, "\n"), func(eleven *harness.Sluice) error {
			for _, pipeline := range []int{1, 16} {
				if err := b.listenersLine(ctx, t, one, eleven, last, pipeline); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (b *bench) listenersLine(ctx context.Context, t *table, one, eleven *harness.Sluice, last string, pipeline int) error {
	const command, conns = "RPUSH", 50
	what := fmt.Sprintf("%s, %d connections, pipeline %d", command, conns, pipeline)
	b.say("%s", what)
	alone := b.sluiceContender(ctx, one, command, "listeners", conns, pipeline)
	first := b.sluiceContender(ctx, eleven, command, "listeners", conns, pipeline)
	through := b.sluiceContender(ctx, eleven, command, "listeners", conns, pipeline)
	through.addr = last
	if err := b.inTurn(ctx, alone, first, through); err != nil {
		return err
	}
	before, err := b.settled(ctx, one.PID())
	if err != nil {
		return err
	}
	after, err := usageOf(eleven.PID())
	if err != nil {
		return err
	}
	toFirst, toLast := median(ratios(first.rates, alone.rates)), median(ratios(through.rates, alone.rates))
	t.add(judge("both ≥ 0.95, no thread more than 2", min(toFirst, toLast) >= 0.95 && after.Threads <= before.Threads+2), what,
		thousands(median(alone.rates)), thousands(median(first.rates)), ratio(toFirst), thousands(median(through.rates)), ratio(toLast),
		mebibytes(before.RSS)+", "+mebibytes(after.RSS), fmt.Sprintf("%d, %d", before.Threads, after.Threads), fmt.Sprintf("%d, %d", before.Files, after.Files))
	return nil
}
