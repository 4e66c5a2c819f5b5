package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// groupsCost shows what subscriptions and members cost, each line with a proxy of its own.
func (b *bench) groupsCost(ctx context.Context) error {
	t := b.costs()
	for _, measure := range []func(context.Context, *table) error{b.manyGroups, b.alikeGroups, b.manyMembers} {
		if err := measure(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// manyGroups is one subscription per group, all with a backlog, against as many plain consumers.
func (b *bench) manyGroups(ctx context.Context, t *table) error {
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	b.say("%d groups with a backlog", b.groups)
	plain, err := b.child(ctx, "hold", backlogTopic, b.groups)
	if err != nil {
		return err
	}
	theirs := plain.After.Threads - plain.Before.Threads
	t.add(open, plain.After.cells(fmt.Sprintf("%d plain consumers with a backlog, without sluice", b.groups), moreThreads(theirs))...)
	return b.groupsLine(ctx, t, backlogTopic, fmt.Sprintf("%d groups with a backlog", b.groups), func(u usage, threads int) verdict {
		// Go starts a thread in the place of one that the kernel preempts inside librdkafka: one for each core. While there are
		// groups, a client of the binding asks whether their topics are still the same, and two threads where groups stand.
		return judge("≤ 400 MB, threads as plain and a twentieth", u.RSS <= 400e6 && threads <= theirs+theirs/20)
	})
}

// alikeGroups is the same with a backlog that compresses as no other.
func (b *bench) alikeGroups(ctx context.Context, t *table) error {
	if err := b.fill(ctx, alikeTopic); err != nil {
		return err
	}
	what := fmt.Sprintf("%d groups with a backlog of values all alike", b.groups)
	b.say("%s", what)
	return b.groupsLine(ctx, t, alikeTopic, what, func(u usage, _ int) verdict { return judge("≤ 600 MB", u.RSS <= 600e6) })
}

func (b *bench) groupsLine(ctx context.Context, t *table, topic, what string, judged func(u usage, threads int) verdict) error {
	return b.with(ctx, "", func(s *harness.Sluice) error {
		before, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		now, err := b.consuming(ctx, s, topic)
		if err != nil {
			return err
		}
		ours := now.Threads - before.Threads
		t.add(judged(now, ours), now.cells(what, moreThreads(ours))...)
		return nil
	})
}

func moreThreads(n int) string { return fmt.Sprintf("%d threads more than before", n) }

// consuming is the most that many groups cost while they consume, and a while after.
func (b *bench) consuming(ctx context.Context, s *harness.Sluice, topic string) (usage, error) {
	c, err := sluiceCrew(s, fmt.Sprintf("many-%d", time.Now().UnixNano()), topic, "", seating{b.groups, 1})
	if err != nil {
		return usage{}, err
	}
	defer c.close()
	stop := peak(ctx, s.PID())
	err = c.begin(b.patience)
	if err == nil {
		_, err = c.work(2 * b.round)
	}
	if err == nil {
		err = wait(ctx, b.settle)
	}
	return stop(), err
}

// manyMembers adds members to a group that has one.
func (b *bench) manyMembers(ctx context.Context, t *table) error {
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	b.say("%d more members of a group", b.groups)
	return b.with(ctx, "", func(s *harness.Sluice) error {
		c, err := sluiceCrew(s, "members", backlogTopic, "", seating{1, 1 + b.groups})
		if err != nil {
			return err
		}
		defer c.close()
		if err := c[0].begin(b.patience); err != nil {
			return err
		}
		before, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		if err := c[1:].ask(); err != nil {
			return err
		}
		now, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		more := now.Threads - before.Threads
		t.add(judge("0 threads more", more <= 0), now.cells(fmt.Sprintf("1 + %d members of a group", b.groups), moreThreads(more))...)
		return nil
	})
}

// ask sends a BLPOP each and reads nothing: there may be nothing for some, with fewer partitions
// than members.
func (c crew) ask() error {
	return c.each(func(w *worker) error {
		w.out = append(w.out, w.blpop...)
		return w.send()
	})
}
