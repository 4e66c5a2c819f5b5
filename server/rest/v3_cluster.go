package rest

import (
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// The shapes of version 3.
type (
	v3ClusterBody struct {
		Kind          string    `json:"kind"`
		Metadata      v3Meta    `json:"metadata"`
		ClusterID     string    `json:"cluster_id"`
		ACLs          v3Related `json:"acls"`
		Brokers       v3Related `json:"brokers"`
		BrokerConfigs v3Related `json:"broker_configs"`
		Groups        v3Related `json:"consumer_groups"`
		Topics        v3Related `json:"topics"`
		Reassignments v3Related `json:"partition_reassignments"`
	}
	v3BrokerBody struct {
		Kind      string    `json:"kind"`
		Metadata  v3Meta    `json:"metadata"`
		ClusterID string    `json:"cluster_id"`
		BrokerID  int32     `json:"broker_id"`
		Host      string    `json:"host"`
		Port      int       `json:"port"`
		Configs   v3Related `json:"configs"`
		Replicas  v3Related `json:"partition_replicas"`
	}
	v3TopicBody struct {
		Kind          string    `json:"kind"`
		Metadata      v3Meta    `json:"metadata"`
		ClusterID     string    `json:"cluster_id"`
		Topic         string    `json:"topic_name"`
		Internal      bool      `json:"is_internal"`
		Replication   int       `json:"replication_factor"`
		Count         int       `json:"partitions_count"`
		Partitions    v3Related `json:"partitions"`
		Configs       v3Related `json:"configs"`
		Reassignments v3Related `json:"partition_reassignments"`
	}
)

// v3Clusters lists the one cluster that there is.
func v3Clusters(x *exchange) error {
	id, err := x.clusterID()
	if err != nil {
		return err
	}
	v := x.v3Of(id)
	x.json(http.StatusOK, v.list("KafkaClusterList", []any{v.ofCluster()}))
	return nil
}

func (v *v3) ofCluster() v3ClusterBody {
	return v3ClusterBody{
		Kind: "KafkaCluster", Metadata: v.meta(""), ClusterID: v.cluster,
		ACLs: v.at("acls"), Brokers: v.at("brokers"), BrokerConfigs: v.at("broker-configs"), Groups: v.at("consumer-groups"),
		Topics: v.at("topics"), Reassignments: v.at("topics", "-", "partitions", "-", "reassignment"),
	}
}

func (v *v3) brokers() (any, error) {
	ctx, cancel := v.asking()
	defer cancel()
	brokers, err := v.kafka.Brokers(ctx)
	var list []any
	for _, b := range brokers {
		list = append(list, v.ofBroker(b))
	}
	return v.list("KafkaBrokerList", list), err
}

func (v *v3) broker() (any, error) {
	ctx, cancel := v.asking()
	defer cancel()
	brokers, err := v.kafka.Brokers(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range brokers {
		if id(b.ID) == v.r.PathValue("broker_id") {
			return v.ofBroker(b), nil
		}
	}
	return nil, absent("Broker", v.r.PathValue("broker_id"))
}

// id is a number as a path has it.
func id(n int32) string { return strconv.Itoa(int(n)) }

func (v *v3) ofBroker(b kafka.Broker) v3BrokerBody {
	name := id(b.ID)
	return v3BrokerBody{
		Kind: "KafkaBroker", Metadata: v.meta("/broker="+name, "brokers", name), ClusterID: v.cluster, BrokerID: b.ID,
		Host: b.Host, Port: b.Port,
		Configs: v.at("brokers", name, "configs"), Replicas: v.at("brokers", name, "partition-replicas"),
	}
}

func (v *v3) topics() (any, error) {
	ctx, cancel := v.asking()
	defer cancel()
	topics, err := v.kafka.Topics(ctx)
	var list []any
	for i := range topics {
		list = append(list, v.ofTopic(&topics[i]))
	}
	return v.list("KafkaTopicList", list), err
}

func (v *v3) topic() (any, error) {
	t, err := v.exchange.topic()
	return v.ofTopic(&t), v.hosted(err)
}

// hosted gives a topic that can not be version 3's failure.
func (v *v3) hosted(err error) error {
	if _, illegal := v.v3TopicName(); illegal != nil {
		return illegal
	}
	return err
}

func (v *v3) ofTopic(t *kafka.Topic) v3TopicBody {
	body := v3TopicBody{
		Kind: "KafkaTopic", Metadata: v.meta("/topic="+t.Name, "topics", t.Name), ClusterID: v.cluster, Topic: t.Name,
		Count: len(t.Partitions), Partitions: v.at("topics", t.Name, "partitions"), Configs: v.at("topics", t.Name, "configs"),
		Reassignments: v.at("topics", t.Name, "partitions", "-", "reassignments"),
	}
	if len(t.Partitions) > 0 {
		body.Replication = len(t.Partitions[0].Replicas)
	}
	return body
}
