package rest

import (
	"errors"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

const v3Group = v3Base + "/consumer-groups/{group}"

// The shapes of version 3.
type (
	v3GroupBody struct {
		Kind        string    `json:"kind"`
		Metadata    v3Meta    `json:"metadata"`
		ClusterID   string    `json:"cluster_id"`
		GroupID     string    `json:"consumer_group_id"`
		Simple      bool      `json:"is_simple"`
		Assignor    string    `json:"partition_assignor"`
		State       string    `json:"state"`
		Coordinator v3Related `json:"coordinator"`
		Consumers   v3Related `json:"consumers"`
		LagSummary  v3Related `json:"lag_summary"`
	}
	v3ConsumerBody struct {
		Kind        string    `json:"kind"`
		Metadata    v3Meta    `json:"metadata"`
		ClusterID   string    `json:"cluster_id"`
		GroupID     string    `json:"consumer_group_id"`
		ConsumerID  string    `json:"consumer_id"`
		InstanceID  *string   `json:"instance_id"` // always null: librdkafka does not tell
		ClientID    string    `json:"client_id"`
		Assignments v3Related `json:"assignments"`
	}
	v3AssignmentBody struct {
		Kind        string    `json:"kind"`
		Metadata    v3Meta    `json:"metadata"`
		ClusterID   string    `json:"cluster_id"`
		GroupID     string    `json:"consumer_group_id"`
		ConsumerID  string    `json:"consumer_id"`
		Topic       string    `json:"topic_name"`
		PartitionID int32     `json:"partition_id"`
		Partition   v3Related `json:"partition"`
		Lag         v3Related `json:"lag"`
	}
)

func (v *v3) groups() (any, error) {
	ctx, cancel := v.asking()
	defer cancel()
	groups, err := v.kafka.Groups(ctx)
	var list []any
	for i := range groups {
		list = append(list, v.ofGroup(&groups[i]))
	}
	return v.list("KafkaConsumerGroupList", list), err
}

// groupInPath reads the group that the path names.
func (v *v3) groupInPath() (*kafka.Group, error) {
	name, err := v.groupName()
	if err != nil {
		return &kafka.Group{}, err
	}
	ctx, cancel := v.asking()
	defer cancel()
	g, err := v.kafka.Group(ctx, name)
	return &g, v.grouped(err)
}

// groupName is the group in the path. One that nobody can be in does not exist.
func (v *v3) groupName() (string, error) {
	name := v.r.PathValue("group")
	if validGroup(name) != nil {
		return "", absent("Consumer group", name)
	}
	return name, nil
}

func (v *v3) grouped(err error) error {
	if errors.Is(err, kafka.ErrNoGroup) {
		return absent("Consumer group", v.r.PathValue("group"))
	}
	return err
}

func (v *v3) group() (any, error) {
	g, err := v.groupInPath()
	return v.ofGroup(g), err
}

// upper has a state as version 3 has it: PreparingRebalance is PREPARING_REBALANCE.
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

func (v *v3) ofGroup(g *kafka.Group) v3GroupBody {
	return v3GroupBody{
		Kind: "KafkaConsumerGroup", Metadata: v.meta("/consumer-group="+g.Name, "consumer-groups", g.Name), ClusterID: v.cluster,
		GroupID: g.Name, Simple: g.Type == "" && g.State != kafka.UnknownState, Assignor: g.Protocol, State: upper(g.State), Coordinator: v.at("brokers", id(g.Coordinator)),
		Consumers: v.at("consumer-groups", g.Name, "consumers"), LagSummary: v.at("consumer-groups", g.Name, "lag-summary"),
	}
}

func (v *v3) consumers() (any, error) {
	g, err := v.groupInPath()
	var list []any
	for i := range g.Members {
		list = append(list, v.ofConsumer(g, &g.Members[i]))
	}
	return v.list("KafkaConsumerList", list), err
}

// memberInPath reads the member that the path names.
func (v *v3) memberInPath() (*kafka.Group, *kafka.GroupMember, error) {
	g, err := v.groupInPath()
	if err != nil {
		return nil, nil, err
	}
	for i := range g.Members {
		if g.Members[i].ID == v.r.PathValue("consumer") {
			return g, &g.Members[i], nil
		}
	}
	return nil, nil, absent("Consumer", v.r.PathValue("consumer"))
}

func (v *v3) consumer() (any, error) {
	g, m, err := v.memberInPath()
	if err != nil {
		return nil, err
	}
	return v.ofConsumer(g, m), nil
}

func (v *v3) ofConsumer(g *kafka.Group, m *kafka.GroupMember) v3ConsumerBody {
	path := []string{"consumer-groups", g.Name, "consumers", m.ID}
	return v3ConsumerBody{
		Kind: "KafkaConsumer", Metadata: v.meta("/consumer-group="+g.Name+"/consumer="+m.ID, path...), ClusterID: v.cluster,
		GroupID: g.Name, ConsumerID: m.ID, ClientID: m.ClientID, Assignments: v.at(append(path, "assignments")...),
	}
}

func (v *v3) assignments() (any, error) {
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

func (v *v3) ofAssignment(g *kafka.Group, m *kafka.GroupMember, tp kafka.TopicPartition) v3AssignmentBody {
	partition := []string{tp.Topic, "partitions", id(tp.Partition)}
	path := append([]string{"consumer-groups", g.Name, "consumers", m.ID, "assignments"}, partition...)
	crn := "/consumer-group=" + g.Name + "/consumer=" + m.ID + "/assignment=" + tp.Topic + "/partition=" + id(tp.Partition)
	return v3AssignmentBody{
		Kind: "KafkaConsumerAssignment", Metadata: v.meta(crn, path...), ClusterID: v.cluster, GroupID: g.Name, ConsumerID: m.ID,
		Topic: tp.Topic, PartitionID: tp.Partition, Partition: v.at(append([]string{"topics"}, partition...)...),
		Lag: v.at(append([]string{"consumer-groups", g.Name, "lags"}, partition...)...),
	}
}
