package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Groups reads all consumer groups of the cluster with their lag.
func (a *Admin) Groups(ctx context.Context) ([]Group, error) {
	client, err := a.binding()
	if err != nil {
		return nil, err
	}
	listed, err := client.ListConsumerGroups(ctx)
	if err != nil {
		return nil, err
	}
	if len(listed.Errors) > 0 && len(listed.Valid) == 0 {
		return nil, fmt.Errorf("list groups: %w", listed.Errors[0])
	}
	var names []string
	for _, g := range listed.Valid {
		names = append(names, g.GroupID)
	}
	slices.Sort(names)
	return a.describeGroups(ctx, names)
}

// Group reads one consumer group with its lag; one that nobody ever joined is an error.
func (a *Admin) Group(ctx context.Context, name string) (Group, error) {
	groups, err := a.describeGroups(ctx, []string{name})
	if err != nil {
		return Group{}, err
	}
	if g := groups[0]; g.State == "Dead" && len(g.Offsets) == 0 {
		return Group{}, fmt.Errorf("group %s: no such group", name)
	}
	return groups[0], nil
}

func (a *Admin) describeGroups(ctx context.Context, names []string) ([]Group, error) {
	if len(names) == 0 {
		return nil, nil
	}
	client, err := a.binding()
	if err != nil {
		return nil, err
	}
	described, err := client.DescribeConsumerGroups(ctx, names)
	if err != nil {
		return nil, err
	}
	var groups []Group
	for _, d := range described.ConsumerGroupDescriptions {
		g := groupOf(d)
		if g.Offsets, err = a.groupOffsets(ctx, g); err != nil {
			return nil, fmt.Errorf("group %s: %w", g.Name, err)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func groupOf(d binding.ConsumerGroupDescription) Group {
	g := Group{Name: d.GroupID, State: d.State.String(), Protocol: d.PartitionAssignor}
	for _, m := range d.Members {
		member := GroupMember{ID: m.ConsumerID, ClientID: m.ClientID, Host: m.Host}
		for _, tp := range m.Assignment.TopicPartitions {
			member.Assigned = append(member.Assigned, record.TopicPartition{Topic: *tp.Topic, Partition: tp.Partition})
		}
		g.Members = append(g.Members, member)
	}
	return g
}

// groupOffsets sets what the group committed against the end of its partitions.
func (a *Admin) groupOffsets(ctx context.Context, g Group) ([]GroupOffset, error) {
	query := []binding.ConsumerGroupTopicPartitions{{Group: g.Name}}
	client, err := a.binding()
	if err != nil {
		return nil, err
	}
	result, err := client.ListConsumerGroupOffsets(ctx, query)
	if err != nil {
		return nil, err
	}
	committed := map[record.TopicPartition]int64{}
	for _, m := range g.Members {
		for _, tp := range m.Assigned {
			committed[tp] = -1
		}
	}
	for _, group := range result.ConsumerGroupsTopicPartitions {
		for _, tp := range group.Partitions {
			committed[record.TopicPartition{Topic: *tp.Topic, Partition: tp.Partition}] = max(-1, int64(tp.Offset))
		}
	}
	return a.lag(ctx, committed)
}

func (a *Admin) lag(ctx context.Context, committed map[record.TopicPartition]int64) ([]GroupOffset, error) {
	var partitions []record.TopicPartition
	for tp := range committed {
		partitions = append(partitions, tp)
	}
	ends, err := a.offsets(ctx, partitions, binding.LatestOffsetSpec)
	if err != nil {
		return nil, err
	}
	lows, err := a.offsets(ctx, partitions, binding.EarliestOffsetSpec)
	if err != nil {
		return nil, err
	}
	var offsets []GroupOffset
	for tp, at := range committed {
		from := max(at, lows[tp])
		offsets = append(offsets, GroupOffset{TopicPartition: tp, Begin: lows[tp], Committed: at, End: ends[tp], Lag: ends[tp] - from})
	}
	slices.SortFunc(offsets, func(a, b GroupOffset) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return offsets, nil
}
