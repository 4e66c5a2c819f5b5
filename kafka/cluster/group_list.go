package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// mostGroupQuestions bounds how many questions for groups are under way: each holds a thread for as long as its answer
// takes.
const mostGroupQuestions = 4

// Groups lists the consumer groups of the cluster with their members, by name. Their offsets are not read.
// Groups of KIP-848 have no more than a name. With the error ErrPartial some brokers did not answer.
func (c *Cluster) Groups(ctx context.Context) ([]Group, error) { return c.listGroups(ctx, "") }

// Group reads one consumer group as Groups does; ErrNoGroup says that there is none.
func (c *Cluster) Group(ctx context.Context, name string) (Group, error) {
	groups, err := c.listGroups(ctx, name)
	if err != nil {
		return Group{}, err
	}
	if len(groups) == 0 {
		return Group{}, fmt.Errorf("group %s: %w", name, kerr.ErrNoGroup)
	}
	return groups[0], nil
}

func (c *Cluster) listGroups(ctx context.Context, name string) ([]Group, error) {
	select {
	case c.groupSlots <- struct{}{}:
		defer func() { <-c.groupSlots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many ask for groups", kerr.ErrNoAnswer)
	case <-c.life.Context.Done():
		return nil, kerr.ErrStopping
	}
	limit := time.Duration(MillisLeft(ctx)) * time.Millisecond
	listed, err := c.engine.Groups(name, min(limit, QueryTime))
	if err != nil {
		return nil, groupsError(err)
	}
	var groups []Group
	for i := range listed {
		if g := &listed[i]; g.Type == "consumer" || g.Type == "" {
			groups = append(groups, groupFrom(g))
		}
	}
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return groups, nil
}

// groupsError is what a question for groups ended with. Some brokers' groups are not all there are.
func groupsError(err error) error {
	switch {
	case errors.Is(err, librdkafka.ErrClosed):
		return kerr.ErrStopping
	case librdkafka.IsPartial(err):
		return fmt.Errorf("%w: not every broker did", kerr.ErrNoAnswer)
	}
	return kerr.Asked(err)
}

// UnknownState is that of a group of which its coordinator says nothing more: librdkafka asks for it in the
// words of the classic protocol, and a group of KIP-848 is Dead in these.
const UnknownState = "Unknown"

func groupFrom(g *librdkafka.Group) Group {
	group := Group{Name: g.Name, State: g.State, Protocol: g.Protocol, Type: g.Type, Coordinator: g.Coordinator}
	if g.State == "Dead" || g.State == "" {
		group.State = UnknownState
	}
	for i := range g.Members {
		m := &g.Members[i]
		member := GroupMember{ID: m.ID, ClientID: m.ClientID, Host: m.Host, Assigned: assigned(m.Assignment)}
		group.Members = append(group.Members, member)
	}
	return group
}
