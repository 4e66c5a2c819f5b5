package v3

import (
	"errors"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

const groupBase = base + "/consumer-groups/{group}"

// The shapes of version 3.
type (
	groupBody struct {
		Kind        string   `json:"kind"`
		Metadata    metadata `json:"metadata"`
		ClusterID   string   `json:"cluster_id"`
		GroupID     string   `json:"consumer_group_id"`
		Simple      bool     `json:"is_simple"`
		Assignor    string   `json:"partition_assignor"`
		State       string   `json:"state"`
		Coordinator related  `json:"coordinator"`
		Consumers   related  `json:"consumers"`
		LagSummary  related  `json:"lag_summary"`
	}
	consumerBody struct {
		Kind        string   `json:"kind"`
		Metadata    metadata `json:"metadata"`
		ClusterID   string   `json:"cluster_id"`
		GroupID     string   `json:"consumer_group_id"`
		ConsumerID  string   `json:"consumer_id"`
		InstanceID  *string  `json:"instance_id"` // always null: librdkafka does not tell
		ClientID    string   `json:"client_id"`
		Assignments related  `json:"assignments"`
	}
	assignmentBody struct {
		Kind        string   `json:"kind"`
		Metadata    metadata `json:"metadata"`
		ClusterID   string   `json:"cluster_id"`
		GroupID     string   `json:"consumer_group_id"`
		ConsumerID  string   `json:"consumer_id"`
		Topic       string   `json:"topic_name"`
		PartitionID int32    `json:"partition_id"`
		Partition   related  `json:"partition"`
		Lag         related  `json:"lag"`
	}
)

func (v *resource) groups() (any, error) {
	ctx, cancel := v.AskContext()
	defer cancel()
	groups, err := v.Kafka.Groups(ctx)
	var list []any
	for i := range groups {
		list = append(list, v.ofGroup(&groups[i]))
	}
	return v.list("KafkaConsumerGroupList", list), err
}

// groupInPath asks the brokers for the group in the path.
func (v *resource) groupInPath() (*kafka.Group, error) {
	name, err := v.groupName()
	if err != nil {
		return &kafka.Group{}, err
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	g, err := v.Kafka.Group(ctx, name)
	return &g, v.grouped(err)
}

// groupName returns the group in the path. A name that no group can have does not exist.
func (v *resource) groupName() (string, error) {
	name := v.R.PathValue("group")
	if exchange.ValidGroup(name) != nil {
		return "", absent("Consumer group", name)
	}
	return name, nil
}

// grouped replaces the error for a group that does not exist.
func (v *resource) grouped(err error) error {
	if errors.Is(err, kafka.ErrNoGroup) {
		return absent("Consumer group", v.R.PathValue("group"))
	}
	return err
}

func (v *resource) group() (any, error) {
	g, err := v.groupInPath()
	return v.ofGroup(g), err
}

// upper returns a state as version 3 has it: PreparingRebalance is PREPARING_REBALANCE.
func upper(state string) string {
	var b strings.Builder
	for i, c := range state {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToUpper(b.String())
}

func (v *resource) ofGroup(g *kafka.Group) groupBody {
	return groupBody{
		Kind: "KafkaConsumerGroup", Metadata: v.meta("/consumer-group="+g.Name, "consumer-groups", g.Name), ClusterID: v.cluster,
		GroupID: g.Name, Simple: g.Type == "" && g.State != kafka.UnknownState, Assignor: g.Protocol, State: upper(g.State), Coordinator: v.at("brokers", id(g.Coordinator)),
		Consumers: v.at("consumer-groups", g.Name, "consumers"), LagSummary: v.at("consumer-groups", g.Name, "lag-summary"),
	}
}

func (v *resource) consumers() (any, error) {
	g, err := v.groupInPath()
	var list []any
	for i := range g.Members {
		list = append(list, v.ofConsumer(g, &g.Members[i]))
	}
	return v.list("KafkaConsumerList", list), err
}

// memberInPath asks the brokers for the member in the path.
func (v *resource) memberInPath() (*kafka.Group, *kafka.GroupMember, error) {
	g, err := v.groupInPath()
	if err != nil {
		return nil, nil, err
	}
	for i := range g.Members {
		if g.Members[i].ID == v.R.PathValue("consumer") {
			return g, &g.Members[i], nil
		}
	}
	return nil, nil, absent("Consumer", v.R.PathValue("consumer"))
}

func (v *resource) consumer() (any, error) {
	g, m, err := v.memberInPath()
	if err != nil {
		return nil, err
	}
	return v.ofConsumer(g, m), nil
}

func (v *resource) ofConsumer(g *kafka.Group, m *kafka.GroupMember) consumerBody {
	path := []string{"consumer-groups", g.Name, "consumers", m.ID}
	return consumerBody{
		Kind: "KafkaConsumer", Metadata: v.meta("/consumer-group="+g.Name+"/consumer="+m.ID, path...), ClusterID: v.cluster,
		GroupID: g.Name, ConsumerID: m.ID, ClientID: m.ClientID, Assignments: v.at(append(path, "assignments")...),
	}
}

func (v *resource) assignments() (any, error) {
	g, m, err := v.memberInPath()
	if err != nil {
		return nil, err
	}
	var list []any
	for _, tp := range m.Assigned {
		list = append(list, v.ofAssignment(g, m, tp))
	}
	return v.list("KafkaConsumerAssignmentList", list), nil
}

func (v *resource) ofAssignment(g *kafka.Group, m *kafka.GroupMember, tp kafka.TopicPartition) assignmentBody {
	partition := []string{tp.Topic, "partitions", id(tp.Partition)}
	path := append([]string{"consumer-groups", g.Name, "consumers", m.ID, "assignments"}, partition...)
	crn := "/consumer-group=" + g.Name + "/consumer=" + m.ID + "/assignment=" + tp.Topic + "/partition=" + id(tp.Partition)
	return assignmentBody{
		Kind: "KafkaConsumerAssignment", Metadata: v.meta(crn, path...), ClusterID: v.cluster, GroupID: g.Name, ConsumerID: m.ID,
		Topic: tp.Topic, PartitionID: tp.Partition, Partition: v.at(append([]string{"topics"}, partition...)...),
		Lag: v.at(append([]string{"consumer-groups", g.Name, "lags"}, partition...)...),
	}
}
