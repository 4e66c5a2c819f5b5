package v2

import (
	"net/http"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The shapes of REST v2. Broker, Leader, Replica, Partition and offsets are Kafka's numbers.
type (
	brokersBody struct {
		Brokers []int32 `json:"brokers"`
	}
	topicBody struct {
		Name       string            `json:"name"`
		Configs    map[string]string `json:"configs"`
		Partitions []partitionBody   `json:"partitions"`
	}
	partitionBody struct {
		Partition int32         `json:"partition"`
		Leader    int32         `json:"leader"` // -1 for none
		Replicas  []replicaBody `json:"replicas"`
	}
	replicaBody struct {
		Broker int32 `json:"broker"`
		Leader bool  `json:"leader"`
		InSync bool  `json:"in_sync"`
	}
	offsetsBody struct {
		Beginning int64 `json:"beginning_offset"`
		End       int64 `json:"end_offset"`
	}
)

func root(x *exchange.Exchange) error {
	x.JSON(http.StatusOK, struct{}{})
	return nil
}

func brokers(x *exchange.Exchange) error {
	ctx, cancel := x.AskContext()
	defer cancel()
	list, err := x.Kafka.Brokers(ctx)
	if err != nil {
		return err
	}
	body := brokersBody{Brokers: []int32{}}
	for _, b := range list {
		body.Brokers = append(body.Brokers, b.ID)
	}
	x.JSON(http.StatusOK, body)
	return nil
}

func topics(x *exchange.Exchange) error {
	ctx, cancel := x.AskContext()
	defer cancel()
	names, err := x.Kafka.TopicNames(ctx)
	if err != nil {
		return err
	}
	x.JSON(http.StatusOK, append([]string{}, names...))
	return nil
}

func topic(x *exchange.Exchange) error {
	found, err := x.Topic()
	if err != nil {
		return err
	}
	x.JSON(http.StatusOK, topicBody{Name: found.Name, Configs: topicConfigs(x, found.Name), Partitions: partitionsOf(found)})
	return nil
}

// topicConfigs returns a topic's settings; none if the brokers do not say.
func topicConfigs(x *exchange.Exchange, topic string) map[string]string {
	ctx, cancel := x.AskContext()
	defer cancel()
	settings, err := x.Kafka.TopicSettings(ctx, topic)
	if err != nil {
		x.Log.Debug("settings of a topic not read", "topic", topic, "err", err)
	}
	configs := map[string]string{}
	for _, s := range settings {
		configs[s.Name] = s.Value
	}
	return configs
}

func partitions(x *exchange.Exchange) error {
	found, err := x.Topic()
	if err != nil {
		return err
	}
	x.JSON(http.StatusOK, partitionsOf(found))
	return nil
}

func partition(x *exchange.Exchange) error {
	id, err := x.Partition()
	if err != nil {
		return err
	}
	found, err := x.Topic()
	if err != nil {
		return err
	}
	for _, p := range partitionsOf(found) {
		if p.Partition == id {
			x.JSON(http.StatusOK, p)
			return nil
		}
	}
	return exchange.NoPartition()
}

func offsets(x *exchange.Exchange) error {
	id, err := x.Partition()
	if err != nil {
		return err
	}
	name, err := x.TopicName()
	if err != nil {
		return err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	low, high, err := x.Kafka.PartitionOffsets(ctx, kafka.TopicPartition{Topic: name, Partition: id})
	if err != nil {
		return err
	}
	x.JSON(http.StatusOK, offsetsBody{low, high})
	return nil
}

// partitionsOf returns the partitions as bodies have them.
func partitionsOf(t kafka.Topic) []partitionBody {
	list := make([]partitionBody, 0, len(t.Partitions))
	for _, p := range t.Partitions {
		inSync := map[int32]bool{}
		for _, id := range p.InSync {
			inSync[id] = true
		}
		body := partitionBody{Partition: p.ID, Leader: p.Leader, Replicas: []replicaBody{}}
		for _, id := range p.Replicas {
			body.Replicas = append(body.Replicas, replicaBody{Broker: id, Leader: id == p.Leader, InSync: inSync[id]})
		}
		list = append(list, body)
	}
	return list
}
