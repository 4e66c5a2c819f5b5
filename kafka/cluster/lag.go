package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// Served is a group that this proxy serves.
type Served struct {
	Consumers []*librdkafka.Consumer // of its subscriptions
	Topics    []*topicset.Set
	Assigned  map[record.TopicPartition]Unsettled // to this proxy
	Leased    int                                 // records in the hands of members
}

// Unsettled is the first record of a partition that is fetched and not settled.
type Unsettled struct {
	Timestamp int64 // in milliseconds since the epoch, -1 for none
	Is        bool  // there is one
}

// low is the first offset that a partition still holds, as of some time.
type low struct {
	offset int64
	asOf   time.Time
}

// lowsKept is how long a low is believed: retention moves it, slowly.
const lowsKept = time.Minute

// countsKept is how long the partitions of topics are believed to be as many as they were.
const countsKept = time.Minute

// refreshLag reads how far every group that is served has come: what it committed, one question per
// group, against the ends of all partitions, one question for all.
func (r *refresher) refreshLag(ctx context.Context) {
	groups := r.cluster.engine.Served()
	committed, err := r.committed(ctx, groups)
	if err == nil {
		err = r.ends(ctx, committed)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.pingAt = time.Time{} // perhaps nobody answers any more
		return
	}
	r.cluster.state.publish(r.cluster, committed, groups, time.Now())
}

// committed asks for the committed offsets of the groups, each through a consumer that is in it. A group
// that cannot be asked is left out; an error means that nobody answers.
func (r *refresher) committed(ctx context.Context, groups map[string]Served) (all []PartitionLag, err error) {
	if err := r.count(ctx, groups); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		r.beat()
		g := groups[name]
		offsets, err := g.Consumers[len(g.Consumers)-1].Committed(g.partitions(r.counts), QuestionTime)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case kerr.Unanswered(err):
			return nil, err
		case err == nil:
			all = append(all, rows(name, offsets)...)
		}
	}
	return all, nil
}

// count learns how many partitions the topics have, when it was long ago or a topic is new.
func (r *refresher) count(ctx context.Context, groups map[string]Served) error {
	isNew := false
	for _, g := range groups {
		for _, set := range g.Topics {
			isNew = isNew || slices.ContainsFunc(set.Topics(), func(name string) bool { return r.counts[name] == 0 })
		}
	}
	if now := time.Now(); !isNew && now.Sub(r.countedAt) < countsKept {
		return nil
	}
	return r.ask(ctx, func(ctx context.Context, a *Admin) error {
		metadata, err := a.metadata(ctx, true)
		if err != nil {
			return err
		}
		r.counts, r.countedAt = map[string]int{}, time.Now()
		for i := range metadata.Topics {
			r.counts[metadata.Topics[i].Name] = len(metadata.Topics[i].Partitions)
		}
		return nil
	})
}

// partitions are those of the group's topics, and what is assigned to this proxy.
func (g *Served) partitions(counts map[string]int) []librdkafka.Partition {
	all := map[record.TopicPartition]bool{}
	for tp := range g.Assigned {
		all[tp] = true
	}
	for topic, n := range counts {
		if !slices.ContainsFunc(g.Topics, func(s *topicset.Set) bool { return s.Has(topic) }) {
			continue
		}
		for p := range n {
			all[record.TopicPartition{Topic: topic, Partition: int32(p)}] = true
		}
	}
	list := make([]librdkafka.Partition, 0, len(all))
	for tp := range all {
		list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition})
	}
	return list
}

// rows are the partitions of a group.
func rows(name string, committed []librdkafka.Partition) []PartitionLag {
	var rows []PartitionLag
	for _, p := range committed {
		if p.Err == librdkafka.None {
			at := max(-1, p.Offset)
			rows = append(rows, PartitionLag{Group: name, TopicPartition: record.TopicPartition{Topic: p.Topic, Partition: p.ID}, Committed: at, Lag: -1, Seconds: -1})
		}
	}
	slices.SortFunc(rows, func(a, b PartitionLag) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return rows
}

// ends asks for the ends of all partitions at once, and where it matters for their beginnings: records
// that are gone are not lag.
func (r *refresher) ends(ctx context.Context, rows []PartitionLag) error {
	ends, err := r.offsets(ctx, rows, binding.LatestOffsetSpec, func(*PartitionLag) bool { return true })
	if err != nil {
		return err
	}
	now := time.Now()
	maps.DeleteFunc(r.lows, func(_ record.TopicPartition, l low) bool { return now.Sub(l.asOf) > lowsKept })
	lows, err := r.offsets(ctx, rows, binding.EarliestOffsetSpec, func(p *PartitionLag) bool {
		_, known := r.lows[p.TopicPartition]
		return !known && p.Committed < ends[p.TopicPartition]
	})
	if err != nil {
		return err
	}
	for tp, at := range lows {
		r.lows[tp] = low{at, now}
	}
	for i := range rows {
		p := &rows[i]
		if end, known := ends[p.TopicPartition]; known {
			p.End, p.Lag = end, max(0, end-max(p.Committed, r.lows[p.TopicPartition].offset))
		}
	}
	return nil
}

// offsets asks for one offset of each partition that is wanted. Those that have none are left out.
func (r *refresher) offsets(ctx context.Context, rows []PartitionLag, spec binding.OffsetSpec, wanted func(*PartitionLag) bool) (at map[record.TopicPartition]int64, err error) {
	partitions := map[record.TopicPartition]binding.OffsetSpec{}
	for i := range rows {
		if wanted(&rows[i]) {
			partitions[rows[i].TopicPartition] = spec
		}
	}
	err = r.ask(ctx, func(ctx context.Context, a *Admin) (err error) {
		at, _, err = a.ListOffsets(ctx, partitions)
		return err
	})
	return at, err
}

// publish makes a reading the present one.
func (o *clusterState) publish(c *Cluster, rows []PartitionLag, groups map[string]Served, now time.Time) {
	rows = slices.DeleteFunc(rows, func(p PartitionLag) bool { return p.Lag < 0 })
	cfg := c.config()
	o.mu.Lock()
	defer o.mu.Unlock()
	before, fresh := o.groups, o.current(cfg, now)
	o.lags, o.asOf, o.groups = rows, now, map[string]groupProgress{}
	for i := range rows {
		p := &rows[i]
		ours, assigned := groups[p.Group].Assigned[p.TopicPartition]
		if assigned {
			p.Seconds = ours.seconds(p.Lag, now)
		}
		if o.groups[p.Group] == nil {
			o.groups[p.Group] = groupProgress{}
		}
		progress, known := before[p.Group][p.TopicPartition]
		progress.observe(p.Committed, p.waits(assigned && !ours.Is), now, known && fresh, cfg.Consume.StallAfter)
		o.groups[p.Group][p.TopicPartition] = progress
	}
	for name, g := range o.groups {
		g.report(before[name], now, groups[name].Leased, c.log.With("group", name))
	}
}

// seconds is the age of the oldest record that is not settled; -1 when it is not known.
func (u Unsettled) seconds(lag int64, now time.Time) float64 {
	switch {
	case lag == 0:
		return 0
	case !u.Is || u.Timestamp < 0:
		return -1
	}
	return max(0, now.Sub(time.UnixMilli(u.Timestamp)).Seconds())
}

// current tells whether the last reading still says something. the state's mu is held.
func (o *clusterState) current(cfg *config.Config, now time.Time) bool {
	return !o.asOf.IsZero() && now.Sub(o.asOf) < 2*cfg.Consume.LagInterval+10*time.Second
}

// Lags is how far the groups that this proxy serves have come, as of the last reading: none when that
// is too old to say anything, and no partition of which a broker knows nothing.
func (c *Cluster) Lags() []PartitionLag {
	o := &c.state
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.current(c.config(), time.Now()) {
		return nil
	}
	return slices.Clone(o.lags)
}

// PartitionLag is how far a group that this proxy serves has come in one partition, whoever it is
// assigned to.
type PartitionLag struct {
	Group string
	record.TopicPartition
	Committed int64   // -1: the group never committed here
	End       int64   // the offset of the next record to be produced
	Lag       int64   // records between the two
	Seconds   float64 // age of the oldest record that is not settled; -1: not known, as the partition is not assigned here
}

// LagsAsOf is when the lag was read last, zero for never.
func (c *Cluster) LagsAsOf() time.Time {
	o := &c.state
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asOf
}
