package v3

import (
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// The shapes of version 3.
type (
	partitionBody struct {
		Kind         string   `json:"kind"`
		Metadata     metadata `json:"metadata"`
		ClusterID    string   `json:"cluster_id"`
		Topic        string   `json:"topic_name"`
		PartitionID  int32    `json:"partition_id"`
		Leader       *related `json:"leader,omitempty"` // absent if there is no leader
		Replicas     related  `json:"replicas"`
		Reassignment related  `json:"reassignment"`
	}
	replicaBody struct {
		Kind        string   `json:"kind"`
		Metadata    metadata `json:"metadata"`
		ClusterID   string   `json:"cluster_id"`
		Topic       string   `json:"topic_name"`
		PartitionID int32    `json:"partition_id"`
		BrokerID    int32    `json:"broker_id"`
		IsLeader    bool     `json:"is_leader"`
		InSync      bool     `json:"is_in_sync"`
		Broker      related  `json:"broker"`
	}
	configBody struct {
		Kind      string   `json:"kind"`
		Metadata  metadata `json:"metadata"`
		ClusterID string   `json:"cluster_id"`
		Topic     string   `json:"topic_name"`
		Name      string   `json:"name"`
		Value     *string  `json:"value"` // null if it is a secret
		IsDefault bool     `json:"is_default"`
		ReadOnly  bool     `json:"is_read_only"`
		Sensitive bool     `json:"is_sensitive"`
		Source    string   `json:"source"`
		Synonyms  []string `json:"synonyms"` // always empty
	}
)

func (v *resource) partitions() (any, error) {
	t, err := v.Exchange.Topic()
	if err != nil {
		return nil, v.hosted(err)
	}
	var list []any
	for i := range t.Partitions {
		list = append(list, v.ofPartition(t.Name, &t.Partitions[i]))
	}
	return v.list("KafkaPartitionList", list), nil
}

func (v *resource) partition() (any, error) {
	name, p, err := v.partitionInPath()
	if err != nil {
		return nil, err
	}
	return v.ofPartition(name, p), nil
}

// partitionInPath asks the brokers for the partition in the path.
func (v *resource) partitionInPath() (topic string, p *kafka.PartitionInfo, err error) {
	t, err := v.Exchange.Topic()
	if err != nil {
		return "", nil, v.hosted(err)
	}
	for i := range t.Partitions {
		if id(t.Partitions[i].ID) == v.R.PathValue("partition") {
			return t.Name, &t.Partitions[i], nil
		}
	}
	return "", nil, notHosted()
}

func (v *resource) ofPartition(topic string, p *kafka.PartitionInfo) partitionBody {
	path := []string{"topics", topic, "partitions", id(p.ID)}
	body := partitionBody{
		Kind: "KafkaPartition", Metadata: v.meta("/topic="+topic+"/partition="+id(p.ID), path...), ClusterID: v.cluster,
		Topic: topic, PartitionID: p.ID,
		Replicas: v.at(append(path, "replicas")...), Reassignment: v.at(append(path, "reassignment")...),
	}
	if p.Leader >= 0 {
		leader := v.at(append(path, "replicas", id(p.Leader))...)
		body.Leader = &leader
	}
	return body
}

func (v *resource) replicas() (any, error) {
	topic, p, err := v.partitionInPath()
	if err != nil {
		return nil, err
	}
	var list []any
	for _, broker := range p.Replicas {
		list = append(list, v.ofReplica(topic, p, broker))
	}
	return v.list("KafkaReplicaList", list), nil
}

func (v *resource) replica() (any, error) {
	topic, p, err := v.partitionInPath()
	if err != nil {
		return nil, err
	}
	for _, broker := range p.Replicas {
		if id(broker) == v.R.PathValue("broker_id") {
			return v.ofReplica(topic, p, broker), nil
		}
	}
	return nil, absent("Replica", v.R.PathValue("broker_id"))
}

func (v *resource) ofReplica(topic string, p *kafka.PartitionInfo, broker int32) replicaBody {
	crn := strings.Join([]string{"", "topic=" + topic, "partition=" + id(p.ID), "replica=" + id(broker)}, "/")
	body := replicaBody{
		Kind: "KafkaReplica", Metadata: v.meta(crn, "topics", topic, "partitions", id(p.ID), "replicas", id(broker)),
		ClusterID: v.cluster, Topic: topic, PartitionID: p.ID, BrokerID: broker, IsLeader: broker == p.Leader,
		Broker: v.at("brokers", id(broker)),
	}
	for _, in := range p.InSync {
		body.InSync = body.InSync || in == broker
	}
	return body
}

func (v *resource) configs() (any, error) {
	list, err := v.settings()
	return v.list("KafkaTopicConfigList", list), err
}

func (v *resource) config() (any, error) {
	list, err := v.settings()
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.(configBody).Name == v.R.PathValue("name") { //nolint:forcetypeassert // all are
			return c, nil
		}
	}
	return nil, absent("Config", v.R.PathValue("name"))
}

// settings asks the brokers for the settings of the topic in the path.
func (v *resource) settings() ([]any, error) {
	topic, err := topicInPath(v.Exchange)
	if err != nil {
		return nil, err
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	settings, err := v.Kafka.TopicSettings(ctx, topic)
	var list []any
	for i := range settings {
		list = append(list, v.ofSetting(topic, &settings[i]))
	}
	return list, err
}

func (v *resource) ofSetting(topic string, s *kafka.TopicSetting) configBody {
	body := configBody{
		Kind: "KafkaTopicConfig", Metadata: v.meta("/topic="+topic+"/config="+s.Name, "topics", topic, "configs", s.Name),
		ClusterID: v.cluster, Topic: topic, Name: s.Name, IsDefault: s.IsDefault, ReadOnly: s.ReadOnly, Sensitive: s.Sensitive,
		Source: s.Source, Synonyms: []string{},
	}
	if !s.Sensitive {
		body.Value = &s.Value
	}
	return body
}
