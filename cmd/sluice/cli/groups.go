package cli

import (
	"context"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

type groupsCommand struct {
	List     groupsList     `cmd:"" default:"withargs" help:"One line per consumer group."`
	Seek     groupsSeek     `cmd:"" help:"Have a group go on elsewhere, through the control socket of a running sluice."`
	Skip     groupsSkip     `cmd:"" help:"Have a group go on without a record, through the control socket of a running sluice."`
	Describe groupsDescribe `cmd:"" help:"One line per partition a group has committed or is assigned."`
}

type groupsList struct{ clusterFlags }

type groupsDescribe struct {
	Name string `arg:"" help:"The group."`
	clusterFlags
}

// Run prints every consumer group with its lag.
func (c *groupsList) Run(env Env) error {
	return c.ask(func(ctx context.Context, cluster *kafka.Cluster) error {
		groups, err := cluster.GroupsWithOffsets(ctx)
		if err != nil {
			return err
		}
		return c.print(env.Out, groupsTable(groups))
	})
}

// Run prints the partitions of one group with offsets, lag and readers.
func (c *groupsDescribe) Run(env Env) error {
	return c.ask(func(ctx context.Context, cluster *kafka.Cluster) error {
		group, err := cluster.GroupOffsets(ctx, c.Name, nil)
		if err != nil {
			return err
		}
		return c.print(env.Out, offsetsTable(group))
	})
}

// groupRow and offsetRow are the JSON of the two commands. Lag counts the records from the committed offset to the end.
// Without a committed offset it counts from the first record that exists.
type groupRow struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Protocol string `json:"protocol"`
	Members  int    `json:"members"`
	Lag      int64  `json:"lag"`
}

type offsetRow struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed *int64 `json:"committed"` // null: none
	End       int64  `json:"end"`
	Lag       int64  `json:"lag"`
	Member    string `json:"member"` // empty: the partition has no reader
}

func groupsTable(groups []kafka.Group) table {
	t := table{header: []any{"GROUP", "STATE", "PROTOCOL", "MEMBERS", "LAG"}}
	value := []groupRow{}
	for _, group := range groups {
		row := summary(group)
		value = append(value, row)
		t.rows = append(t.rows, []any{row.Name, row.State, dash(row.Protocol), row.Members, row.Lag})
	}
	t.value = value
	return t
}

func summary(group kafka.Group) groupRow {
	row := groupRow{Name: group.Name, State: group.State, Protocol: group.Protocol, Members: len(group.Members)}
	for _, offset := range group.Offsets {
		row.Lag += max(0, offset.Lag) // -1: its leader did not answer
	}
	return row
}

func offsetsTable(group kafka.Group) table {
	t := table{header: []any{"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"}}
	owners := readers(group.Members)
	value := []offsetRow{}
	for _, o := range group.Offsets {
		row := offsetRow{Topic: o.Topic, Partition: o.Partition, End: o.End, Lag: o.Lag}
		row.Member = owners[o.TopicPartition]
		committed := any("-")
		if o.Committed >= 0 {
			row.Committed, committed = &o.Committed, o.Committed
		}
		value = append(value, row)
		t.rows = append(t.rows, []any{o.Topic, o.Partition, committed, o.End, o.Lag, dash(row.Member)})
	}
	t.value = struct {
		groupRow
		Offsets []offsetRow `json:"offsets"`
	}{summary(group), value}
	return t
}

// readers returns the member of each assigned partition: its client id with its host.
func readers(members []kafka.GroupMember) map[kafka.TopicPartition]string {
	owners := map[kafka.TopicPartition]string{}
	for _, member := range members {
		for _, partition := range member.Assigned {
			// Brokers write a slash before the address.
			owners[partition] = member.ClientID + "@" + strings.TrimPrefix(member.Host, "/")
		}
	}
	return owners
}
