package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Committed is a group's committed offset of one partition, -1 when it has committed none. It
// waits for a coordinator: the first look at any group makes a cluster create its offsets topic.
func (a *Admin) Committed(ctx context.Context, group, topic string, partition int32) (int64, error) {
	at, _, err := a.CommittedWith(ctx, group, topic, partition)
	return at, err
}

// CommittedWith is Committed, with the metadata of the commit.
func (a *Admin) CommittedWith(ctx context.Context, group, topic string, partition int32) (at int64, metadata string, err error) {
	var final error
	err = Until(ctx, func(ctx context.Context) error {
		at, metadata, final = a.committed(ctx, group, topic, partition)
		if kerr.IsRetriable(final) {
			return final
		}
		return nil
	})
	return at, metadata, errors.Join(err, final)
}

func (a *Admin) committed(ctx context.Context, group, topic string, partition int32) (at int64, metadata string, err error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.Partitions = topic, []int32{partition}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.Topics = group, append(g.Topics, t)
	req.Groups = append(req.Groups, g)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return 0, "", err
	}
	if len(resp.Groups) != 1 {
		return 0, "", errors.New("offset fetch without the group")
	}
	err = kerr.ErrorForCode(resp.Groups[0].ErrorCode)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return -1, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("offsets of group %s: %w", group, err)
	}
	for _, t := range resp.Groups[0].Topics {
		for _, p := range t.Partitions {
			if p.Partition == partition {
				if p.Metadata != nil {
					metadata = *p.Metadata
				}
				return p.Offset, metadata, kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return -1, "", nil
}

// Commit sets a group's committed offset of one partition, as an operator does while it has no members.
func (a *Admin) Commit(ctx context.Context, group, topic string, partition int32, offset int64) error {
	return Until(ctx, func(ctx context.Context) error { return a.commit(ctx, group, topic, partition, offset) })
}

func (a *Admin) commit(ctx context.Context, group, topic string, partition int32, offset int64) error {
	id, err := a.TopicID(ctx, topic)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID, t.Partitions = topic, id, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("commit %d of %s/%d for %s: %w", offset, topic, partition, group, err)
			}
		}
	}
	return nil
}

// Members is how many members a group has that hold at least one partition, and how many in all.
// It understands both group protocols; a group that does not exist has none.
func (a *Admin) Members(ctx context.Context, group string) (holding, all int, err error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return 0, 0, err
	}
	if len(resp.Groups) != 1 {
		return 0, 0, errors.New("description without the group")
	}
	g := resp.Groups[0]
	if kerr.ErrorForCode(g.ErrorCode) != nil { // a classic group, or none: ask the other way
		return a.classicMembers(ctx, group)
	}
	for _, m := range g.Members {
		if len(m.Assignment.TopicPartitions) > 0 {
			holding++
		}
	}
	return holding, len(g.Members), nil
}

func (a *Admin) classicMembers(ctx context.Context, group string) (holding, all int, err error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return 0, 0, err
	}
	if len(resp.Groups) != 1 {
		return 0, 0, errors.New("description without the group")
	}
	g := resp.Groups[0]
	err = kerr.ErrorForCode(g.ErrorCode)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("group %s: %w", group, err)
	}
	for _, m := range g.Members {
		var assigned kmsg.ConsumerMemberAssignment
		if assigned.ReadFrom(m.MemberAssignment) == nil && len(assigned.Topics) > 0 {
			holding++
		}
	}
	return holding, len(g.Members), nil
}

// Coordinator is the id of the node that coordinates a group.
func (a *Admin) Coordinator(ctx context.Context, group string) (id int, err error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys = group, []string{group}
	err = Until(ctx, func(ctx context.Context) error {
		resp, err := req.RequestWith(ctx, a.client)
		if err != nil {
			return err
		}
		id = int(resp.NodeID)
		code := resp.ErrorCode
		if len(resp.Coordinators) > 0 {
			id, code = int(resp.Coordinators[0].NodeID), resp.Coordinators[0].ErrorCode
		}
		return kerr.ErrorForCode(code)
	})
	return id, err
}
