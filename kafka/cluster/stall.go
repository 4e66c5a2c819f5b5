package cluster

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// progress follows whether a partition of a group gets on.
type progress struct {
	committed int64
	waiting   int64     // records that there are to do
	since     time.Time // when something was last committed, or there was nothing to do
	stalled   bool
}

// observe takes a reading. comparable is false when there was none just before: nothing is known of the
// time between.
func (p *progress) observe(committed, waiting int64, at time.Time, comparable bool, limit time.Duration) {
	moved := committed != p.committed || waiting == 0
	if moved || !comparable {
		p.since = at
	}
	p.committed, p.waiting = committed, waiting
	p.stalled = !moved && (p.stalled || at.Sub(p.since) >= limit)
}

// waits is how many records of a partition there are to do. drained: it is assigned here, and everything that
// came of it is settled; the one offset that is left is then a transaction's marker, which no consumer ever sees.
func (p *PartitionLag) waits(drained bool) int64 {
	if drained && p.Lag <= 1 {
		return 0
	}
	return p.Lag
}

// groupProgress is that of a group's partitions: one that stands still must not hide behind others that do not.
type groupProgress map[record.TopicPartition]progress

// stalled lists the partitions that stand still, in order.
func (g groupProgress) stalled() (list []record.TopicPartition) {
	for tp, p := range g {
		if p.stalled {
			list = append(list, tp)
		}
	}
	slices.SortFunc(list, record.TopicPartition.Compare)
	return list
}

// report logs which partitions stand still since the reading before, and when the last of them goes on.
func (g groupProgress) report(before groupProgress, at time.Time, leased int, log *slog.Logger) {
	now, was := g.stalled(), before.stalled()
	fresh := slices.DeleteFunc(slices.Clone(now), func(tp record.TopicPartition) bool { return before[tp].stalled })
	switch {
	case len(fresh) > 0:
		since := at
		for _, tp := range fresh {
			if g[tp].since.Before(since) {
				since = g[tp].since
			}
		}
		log.Warn("group stalled: nothing was committed", "partitions", record.Names(fresh), "for", at.Sub(since).Round(time.Second), "lag", g.lag(), "leased", leased)
	case len(was) > 0 && len(now) == 0:
		log.Info("group gets on again", "lag", g.lag())
	}
}

// lag is how many records there are to do.
func (g groupProgress) lag() (n int64) {
	for p := range maps.Values(g) {
		n += p.waiting
	}
	return n
}

// Stalled is how many partitions of the group's topics had a lag, and nothing of them was committed for too long.
func (c *Cluster) Stalled(group string, topics *topicset.Set) (n int) {
	o := &c.state
	o.mu.Lock()
	defer o.mu.Unlock()
	for tp, p := range o.groups[group] {
		if p.stalled && topics.Has(tp.Topic) {
			n++
		}
	}
	return n
}
