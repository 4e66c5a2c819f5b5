package v3

import (
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The shapes of version 3.
type (
	clusterBody struct {
		Kind          string   `json:"kind"`
		Metadata      metadata `json:"metadata"`
		ClusterID     string   `json:"cluster_id"`
		ACLs          related  `json:"acls"`
		Brokers       related  `json:"brokers"`
		BrokerConfigs related  `json:"broker_configs"`
		Groups        related  `json:"consumer_groups"`
		Topics        related  `json:"topics"`
		Reassignments related  `json:"partition_reassignments"`
	}
	brokerBody struct {
		Kind      string   `json:"kind"`
		Metadata  metadata `json:"metadata"`
		ClusterID string   `json:"cluster_id"`
		BrokerID  int32    `json:"broker_id"`
		Host      string   `json:"host"`
		Port      int      `json:"port"`
		Configs   related  `json:"configs"`
		Replicas  related  `json:"partition_replicas"`
	}
	topicBody struct {
		Kind          string   `json:"kind"`
		Metadata      metadata `json:"metadata"`
		ClusterID     string   `json:"cluster_id"`
		Topic         string   `json:"topic_name"`
		Internal      bool     `json:"is_internal"`
		Replication   int      `json:"replication_factor"`
		Count         int      `json:"partitions_count"`
		Partitions    related  `json:"partitions"`
		Configs       related  `json:"configs"`
		Reassignments related  `json:"partition_reassignments"`
	}
)

// clusters lists the one cluster.
func clusters(x *exchange.Exchange) error {
	id, err := clusterID(x)
	if err != nil {
		return err
	}
	v := newResource(x, id)
	x.JSON(http.StatusOK, v.list("KafkaClusterList", []any{v.ofCluster()}))
	return nil
}

func (v *resource) ofCluster() clusterBody {
	return clusterBody{
		Kind: "KafkaCluster", Metadata: v.meta(""), ClusterID: v.cluster,
		ACLs: v.at("acls"), Brokers: v.at("brokers"), BrokerConfigs: v.at("broker-configs"), Groups: v.at("consumer-groups"),
		Topics: v.at("topics"), Reassignments: v.at("topics", "-", "partitions", "-", "reassignment"),
	}
}

func (v *resource) brokers() (any, error) {
	ctx, cancel := v.AskContext()
	defer cancel()
	brokers, err := v.Kafka.Brokers(ctx)
	var list []any
	for _, b := range brokers {
		list = append(list, v.ofBroker(b))
	}
	return v.list("KafkaBrokerList", list), err
}

func (v *resource) broker() (any, error) {
	ctx, cancel := v.AskContext()
	defer cancel()
	brokers, err := v.Kafka.Brokers(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range brokers {
		if id(b.ID) == v.R.PathValue("broker_id") {
			return v.ofBroker(b), nil
		}
	}
	return nil, absent("Broker", v.R.PathValue("broker_id"))
}

// id is a number as paths have it.
func id(n int32) string { return strconv.Itoa(int(n)) }

func (v *resource) ofBroker(b kafka.Broker) brokerBody {
	name := id(b.ID)
	return brokerBody{
		Kind: "KafkaBroker", Metadata: v.meta("/broker="+name, "brokers", name), ClusterID: v.cluster, BrokerID: b.ID,
		Host: b.Host, Port: b.Port,
		Configs: v.at("brokers", name, "configs"), Replicas: v.at("brokers", name, "partition-replicas"),
	}
}

func (v *resource) topics() (any, error) {
	ctx, cancel := v.AskContext()
	defer cancel()
	topics, err := v.Kafka.Topics(ctx)
	var list []any
	for i := range topics {
		list = append(list, v.ofTopic(&topics[i]))
	}
	return v.list("KafkaTopicList", list), err
}

func (v *resource) topic() (any, error) {
	t, err := v.Exchange.Topic()
	return v.ofTopic(&t), v.hosted(err)
}

// hosted replaces the error for a topic whose name is not allowed: version 3 has an answer of its own for that.
func (v *resource) hosted(err error) error {
	if _, illegal := topicInPath(v.Exchange); illegal != nil {
		return illegal
	}
	return err
}

func (v *resource) ofTopic(t *kafka.Topic) topicBody {
	body := topicBody{
		Kind: "KafkaTopic", Metadata: v.meta("/topic="+t.Name, "topics", t.Name), ClusterID: v.cluster, Topic: t.Name,
		Count: len(t.Partitions), Partitions: v.at("topics", t.Name, "partitions"), Configs: v.at("topics", t.Name, "configs"),
		Reassignments: v.at("topics", t.Name, "partitions", "-", "reassignments"),
	}
	if len(t.Partitions) > 0 {
		body.Replication = len(t.Partitions[0].Replicas)
	}
	return body
}
