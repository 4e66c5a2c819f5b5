package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

type topicsCommand struct {
	List     topicsList     `cmd:"" default:"withargs" help:"One line per topic."`
	Peek     topicsPeek     `cmd:"" help:"Show a record, through the control socket of a running sluice."`
	Describe topicsDescribe `cmd:"" help:"One line per partition of a topic."`
}

type topicsList struct{ clusterFlags }

type topicsDescribe struct {
	Name string `arg:"" help:"The topic."`
	clusterFlags
}

// Run prints every topic with the number of its partitions and records.
func (c *topicsList) Run(env Env) error {
	return c.ask(func(ctx context.Context, cluster *kafka.Cluster) error {
		topics, err := cluster.AllTopics(ctx)
		if err != nil {
			return err
		}
		return c.print(env.Out, topicsTable(topics))
	})
}

// Run prints the partitions of one topic.
func (c *topicsDescribe) Run(env Env) error {
	return c.ask(func(ctx context.Context, cluster *kafka.Cluster) error {
		topic, err := cluster.TopicWithOffsets(ctx, c.Name)
		if err != nil {
			return err
		}
		return c.print(env.Out, partitionsTable(topic))
	})
}

// topicRow and partitionRow are the JSON of the two commands. Low is the first offset that still exists, High the next
// one that will be written.
type topicRow struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Records    int64  `json:"records"`
}

type partitionRow struct {
	ID       int32   `json:"partition"`
	Leader   int32   `json:"leader"`
	Replicas []int32 `json:"replicas"`
	InSync   []int32 `json:"in_sync"`
	Low      int64   `json:"low"`
	High     int64   `json:"high"`
}

func topicsTable(topics []kafka.Topic) table {
	t := table{header: []any{"TOPIC", "PARTITIONS", "RECORDS"}}
	value := []topicRow{}
	for _, topic := range topics {
		row, records := topicRow{Name: topic.Name, Partitions: len(topic.Partitions)}, ""
		for _, p := range topic.Partitions {
			row.Records += p.High - p.Low
			if p.High < 0 {
				records = " at least" // the leader of a partition did not answer
			}
		}
		value = append(value, row)
		t.rows = append(t.rows, []any{row.Name, row.Partitions, fmt.Sprint(row.Records) + records})
	}
	t.value = value
	return t
}

func partitionsTable(topic kafka.Topic) table {
	t := table{header: []any{"PARTITION", "LEADER", "REPLICAS", "IN-SYNC", "LOW", "HIGH"}}
	value := []partitionRow{}
	for _, p := range topic.Partitions {
		value = append(value, partitionRow{p.ID, p.Leader, present(p.Replicas), present(p.InSync), p.Low, p.High})
		t.rows = append(t.rows, []any{p.ID, p.Leader, numbers(p.Replicas), numbers(p.InSync), p.Low, p.High})
	}
	t.value = struct {
		Name       string         `json:"name"`
		Partitions []partitionRow `json:"partitions"`
	}{topic.Name, value}
	return t
}

// present turns a nil list into an empty one, since JSON shows a nil list as null.
func present(list []int32) []int32 { return append([]int32{}, list...) }

// numbers joins a list with commas.
func numbers(list []int32) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(int(n))
	}
	return dash(strings.Join(texts, ","))
}
