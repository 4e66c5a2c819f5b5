package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// mostPartitions bounds what one question for offsets is about.
const mostPartitions = 20_000

// ErrTooMuch says that a question is about too many partitions.
var ErrTooMuch = fmt.Errorf("more than %d partitions: name the topics", mostPartitions)

// GroupOffsets reads a group and how far it has come: in all partitions of the topics, or when none is named
// in those where it has committed or that its members have. A partition whose leader did not answer has a Begin,
// an End and a Lag of -1. ErrNoGroup, ErrNoTopic and ErrTooMuch say what is wrong with the question.
func (c *Cluster) GroupOffsets(ctx context.Context, group string, topics []string) (Group, error) {
	g, err := c.Group(ctx, group)
	if err != nil {
		return g, err
	}
	err = c.readOffsets(ctx, &g, topics)
	return g, err
}

// readOffsets reads the offsets of a group that is known.
func (c *Cluster) readOffsets(ctx context.Context, g *Group, topics []string) error {
	asked, err := c.partitionsOf(ctx, topics)
	if err != nil {
		return err
	}
	committed, err := c.committed(ctx, g.Name, asked)
	if err != nil {
		return err
	}
	if len(topics) == 0 {
		asked = slices.Concat(slices.Collect(maps.Keys(committed)), c.heldOf(g))
		slices.SortFunc(asked, record.TopicPartition.Compare)
		asked = slices.Compact(asked)
	}
	g.Offsets, err = c.measure(ctx, asked, committed)
	return err
}

// heldOf are the partitions that somebody in the group has. Of a group of KIP-848 only we ourselves tell.
func (c *Cluster) heldOf(g *Group) []record.TopicPartition {
	ours := c.engine.Served()[g.Name].Assigned
	return slices.AppendSeq(slices.Collect(maps.Keys(g.Holders())), maps.Keys(ours))
}

// Holders are the members by the partitions that they have.
func (g *Group) Holders() map[record.TopicPartition]*GroupMember {
	holders := map[record.TopicPartition]*GroupMember{}
	for i := range g.Members {
		for _, tp := range g.Members[i].Assigned {
			holders[tp] = &g.Members[i]
		}
	}
	return holders
}

// partitionsOf lists the partitions of the topics, or of all.
func (c *Cluster) partitionsOf(ctx context.Context, topics []string) (list []record.TopicPartition, err error) {
	all, err := c.Topics(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]Topic{}
	for _, t := range all {
		byName[t.Name] = t
	}
	if len(topics) == 0 {
		topics = slices.Collect(maps.Keys(byName))
	}
	for _, name := range topics {
		t, known := byName[name]
		if !known {
			return nil, fmt.Errorf("topic %s: %w", name, kerr.ErrNoTopic)
		}
		for _, p := range t.Partitions {
			list = append(list, record.TopicPartition{Topic: name, Partition: p.ID})
		}
	}
	if len(list) > mostPartitions {
		return nil, ErrTooMuch
	}
	return list, nil
}

// memberPatience is how long a consumer that is there anyway may take to say what its group has committed,
// before an offset client is sent: one that has just changed its partitions may not answer at all.
const memberPatience = 2 * time.Second

// committed asks what a group has committed, through a consumer that is in it, or else an offset client.
func (c *Cluster) committed(ctx context.Context, group string, partitions []record.TopicPartition) (offsets map[record.TopicPartition]int64, err error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	for _, consumer := range c.engine.Served()[group].Consumers {
		turn, cancel := context.WithTimeout(ctx, memberPatience)
		offsets, err = committedOf(turn, consumer, partitions)
		cancel()
		ended := errors.Is(err, kerr.ErrStopping) && c.life.Context.Err() == nil
		if silent := errors.Is(err, kerr.ErrNoAnswer); !ended && !silent {
			return offsets, err
		}
	}
	err = c.WithOffsetClient(ctx, group, func(e *OffsetClient) error {
		offsets, err = committedOf(ctx, e.consumer, partitions)
		return err
	})
	return offsets, err
}

// Backlog is how many records of topics a group has not committed; for the empty group, how many they hold. A topic that does
// not exist has none. It is an error when the leader of a partition does not answer: any number would be too small.
func (c *Cluster) Backlog(ctx context.Context, group string, topics []string) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, QueryTime)
	defer cancel()
	var all []record.TopicPartition
	for _, name := range topics {
		switch t, err := c.Topic(ctx, name); {
		case errors.Is(err, kerr.ErrNoTopic):
		case err != nil:
			return 0, err
		default:
			for _, p := range t.Partitions {
				all = append(all, record.TopicPartition{Topic: name, Partition: p.ID})
			}
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	if len(all) > mostPartitions {
		return 0, ErrTooMuch
	}
	var committed map[record.TopicPartition]int64
	if group != "" {
		committed, err = c.committed(ctx, group, all)
		if err != nil && kerr.CodeOf(err) != librdkafka.NoGroup { // a group that nobody was in has committed nothing
			return 0, err
		}
	}
	offsets, err := c.measure(ctx, all, committed)
	if err != nil {
		return 0, err
	}
	for _, o := range offsets {
		if o.Lag < 0 {
			return 0, fmt.Errorf("%w: partition %s", kerr.ErrNoAnswer, o.TopicPartition)
		}
		n += o.Lag
	}
	return n, nil
}

// measure sets committed offsets against what the partitions hold.
func (c *Cluster) measure(ctx context.Context, partitions []record.TopicPartition, committed map[record.TopicPartition]int64) ([]GroupOffset, error) {
	begins, ends, err := c.LogBounds(ctx, partitions)
	if err != nil {
		return nil, err
	}
	offsets := make([]GroupOffset, 0, len(partitions))
	for _, tp := range partitions {
		o := GroupOffset{TopicPartition: tp, Begin: -1, Committed: -1, End: -1, Lag: -1}
		if at, is := committed[tp]; is {
			o.Committed = at
		}
		begin, known := begins[tp]
		end, too := ends[tp]
		if known && too {
			o.Begin, o.End, o.Lag = begin, end, max(0, end-max(begin, o.Committed))
		}
		offsets = append(offsets, o)
	}
	slices.SortFunc(offsets, func(a, b GroupOffset) int { return a.Compare(b.TopicPartition) })
	return offsets, nil
}

// LogBounds asks what partitions hold; those that nobody answers for are left out.
func (c *Cluster) LogBounds(ctx context.Context, partitions []record.TopicPartition) (begins, ends map[record.TopicPartition]int64, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) (err error) {
		if begins, _, err = a.ListOffsets(ctx, ForAll(partitions, binding.EarliestOffsetSpec)); err == nil {
			ends, _, err = a.ListOffsets(ctx, ForAll(partitions, binding.LatestOffsetSpec))
		}
		return err
	})
	return begins, ends, err
}
