package v3

import "github.com/sluice-proxy/sluice/kafka"

// The shapes of version 3. An id of a consumer is empty when none has the partition.
type (
	lagBody struct {
		Kind        string   `json:"kind"`
		Metadata    metadata `json:"metadata"`
		ClusterID   string   `json:"cluster_id"`
		GroupID     string   `json:"consumer_group_id"`
		Topic       string   `json:"topic_name"`
		PartitionID int32    `json:"partition_id"`
		Current     int64    `json:"current_offset"`
		End         int64    `json:"log_end_offset"`
		Lag         int64    `json:"lag"`
		ConsumerID  string   `json:"consumer_id"`
		InstanceID  *string  `json:"instance_id"` // always null: librdkafka does not tell
		ClientID    string   `json:"client_id"`
	}
	lagSummaryBody struct {
		Kind         string   `json:"kind"`
		Metadata     metadata `json:"metadata"`
		ClusterID    string   `json:"cluster_id"`
		GroupID      string   `json:"consumer_group_id"`
		MaxConsumer  string   `json:"max_lag_consumer_id"`
		MaxInstance  *string  `json:"max_lag_instance_id"`
		MaxClient    string   `json:"max_lag_client_id"`
		MaxTopic     string   `json:"max_lag_topic_name"`
		MaxPartition int32    `json:"max_lag_partition_id"`
		Max          int64    `json:"max_lag"`
		Total        int64    `json:"total_lag"`
		OfConsumer   related  `json:"max_lag_consumer"`
		OfPartition  related  `json:"max_lag_partition"`
	}
)

// lagsInPath returns the lags of the group in the path, in the partitions where it has committed.
func (v *resource) lagsInPath() ([]lagBody, error) {
	name, err := v.groupName()
	if err != nil {
		return nil, err
	}
	ctx, cancel := v.AskContext()
	defer cancel()
	g, err := v.Kafka.GroupOffsets(ctx, name, nil)
	var lags []lagBody
	holders := g.Holders()
	for i := range g.Offsets {
		if o := &g.Offsets[i]; o.Committed >= 0 && o.Lag >= 0 {
			lags = append(lags, v.ofLag(name, o, holders[o.TopicPartition]))
		}
	}
	return lags, v.grouped(err)
}

// ofLag returns the lag in a partition. The member that has the partition may be nil.
func (v *resource) ofLag(group string, o *kafka.GroupOffset, m *kafka.GroupMember) lagBody {
	crn := "/consumer-group=" + group + "/lag=" + o.Topic + "/partition=" + id(o.Partition)
	body := lagBody{
		Kind: "KafkaConsumerLag", ClusterID: v.cluster, GroupID: group, Topic: o.Topic, PartitionID: o.Partition,
		Metadata: v.meta(crn, "consumer-groups", group, "lags", o.Topic, "partitions", id(o.Partition)),
		Current:  o.Committed, End: o.End, Lag: o.Lag,
	}
	if m != nil {
		body.ConsumerID, body.ClientID = m.ID, m.ClientID
	}
	return body
}

func (v *resource) lags() (any, error) {
	lags, err := v.lagsInPath()
	var list []any
	for i := range lags {
		list = append(list, lags[i])
	}
	return v.list("KafkaConsumerLagList", list), err
}

func (v *resource) lag() (any, error) {
	lags, err := v.lagsInPath()
	if err != nil {
		return nil, err
	}
	for i := range lags {
		if l := &lags[i]; l.Topic == v.R.PathValue("topic") && id(l.PartitionID) == v.R.PathValue("partition") {
			return l, nil
		}
	}
	return nil, notHosted()
}

func (v *resource) lagSummary() (any, error) {
	lags, err := v.lagsInPath()
	switch {
	case err != nil:
		return nil, err
	case len(lags) == 0:
		return nil, absent("A committed offset of consumer group", v.R.PathValue("group"))
	}
	most, total := &lags[0], int64(0)
	for i := range lags {
		total += lags[i].Lag
		if lags[i].Lag > most.Lag {
			most = &lags[i]
		}
	}
	name := v.R.PathValue("group")
	return lagSummaryBody{
		Kind: "KafkaConsumerGroupLagSummary", ClusterID: v.cluster, GroupID: name, Total: total, Max: most.Lag,
		Metadata:    v.meta("/consumer-group="+name+"/lag-summary", "consumer-groups", name, "lag-summary"),
		MaxConsumer: most.ConsumerID, MaxClient: most.ClientID, MaxTopic: most.Topic, MaxPartition: most.PartitionID,
		OfConsumer: v.at("consumer-groups", name, "consumers", most.ConsumerID), OfPartition: v.at("topics", most.Topic, "partitions", id(most.PartitionID)),
	}, nil
}
