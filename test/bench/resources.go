package main

import (
	"context"
	"fmt"
	"syscall"

	"github.com/sluice-proxy/sluice/test/harness"
)

// connections shows what clients cost that produce, and that do nothing.
func (b *bench) connections(ctx context.Context) error {
	t := b.costs()
	if err := b.producing(ctx, t); err != nil {
		return err
	}
	return b.idling(ctx, t)
}

func (b *bench) costs() *table {
	return b.table("RSS, threads and file descriptors of the process; the most of each while the load runs.",
		"", "memory", "threads", "files", "remark")
}

func (u usage) cells(what, remark string) []string {
	return []string{what, mebibytes(u.RSS), fmt.Sprint(u.Threads), fmt.Sprint(u.Files), remark}
}

// producing shows 50 connections at full speed.
func (b *bench) producing(ctx context.Context, t *table) error {
	const topic = "produce-resources"
	if err := b.topic(ctx, topic); err != nil {
		return err
	}
	return b.with(ctx, "", func(s *harness.Sluice) error {
		for _, l := range []load{
			{s.Addr, 50, 1, []string{"RPUSHX", "topics:" + topic, value}},
			{s.Addr, 50, 16, []string{"RPUSHX", "topics:" + topic, value}},
			{s.Addr, 50, 16, []string{"RPUSH", "topics:" + topic, value}},
		} {
			if err := b.producingLine(ctx, t, s, l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) producingLine(ctx context.Context, t *table, s *harness.Sluice, l load) error {
	what := fmt.Sprintf("%d connections, %s, pipeline %d", l.conns, l.command[0], l.pipeline)
	b.say("%s", what)
	n, err := l.size(ctx, 2*b.round)
	if err != nil {
		return err
	}
	stop := peak(ctx, s.PID())
	rate, err := l.run(ctx, n)
	u := stop()
	if err != nil {
		return err
	}
	t.add(judge("≤ 25 threads, ≤ 150 MB", u.Threads <= 25 && u.RSS <= 150e6), u.cells(what, thousands(rate)+"/s")...)
	return b.drained(ctx, s)
}

// idling opens connections that said something once.
func (b *bench) idling(ctx context.Context, t *table) error {
	most := b.idle[len(b.idle)-1]
	if err := raiseFiles(uint64(most) + 1_000); err != nil {
		return err
	}
	return b.with(ctx, fmt.Sprintf("resp: {max_clients: %d}\n", most+1_000), func(s *harness.Sluice) error {
		var idlers crowd
		defer func() { idlers.close() }()
		const first = 10 // what any first connection makes is not theirs
		if err := idlers.grow(s.Addr, first); err != nil {
			return err
		}
		before, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		for _, n := range b.idle {
			b.say("%d idle connections", n)
			if err := idlers.grow(s.Addr, first+n); err != nil {
				return err
			}
			now, err := b.settled(ctx, s.PID())
			if err != nil {
				return err
			}
			each := float64(now.RSS-before.RSS) / float64(n) / 1024
			t.add(judge("≤ 15 KiB each", each <= 15), now.cells(thousands(float64(n))+" idle connections", fmt.Sprintf("%.1f KiB each", each))...)
		}
		return nil
	})
}

// settled is what a process uses after some time without load.
func (b *bench) settled(ctx context.Context, pid int) (usage, error) {
	if err := wait(ctx, b.settle); err != nil {
		return usage{}, err
	}
	return usageOf(pid)
}

// raiseFiles raises the limit of open files of this process and those it starts.
func raiseFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = max(limit.Cur, n)
	limit.Max = max(limit.Max, n) // takes root when it is above what is allowed
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files to %d: %w", n, err)
	}
	return nil
}

// crowd is many connections.
type crowd []*conn

// grow opens more, up to n, and sends a PING on each.
func (c *crowd) grow(addr string, n int) error {
	for len(*c) < n {
		one, err := dial(addr)
		if err != nil {
			return err
		}
		one.in = one.in[:64]
		*c = append(*c, one)
		if _, err := one.do("PING"); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) close() {
	for _, one := range *c {
		one.close()
	}
}
