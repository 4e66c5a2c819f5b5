package cluster

import (
	"context"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// noID is what brokers say that know no ids (Kafka before 2.8): 16 bytes of zero in URL-safe base64.
const noID = "AAAAAAAAAAAAAAAAAAAAAA"

// TopicIDs reads the ids of topics, in one question: a topic that is deleted and created again has another one. Topics
// that do not exist, and those whose brokers give no ids, are left out.
func (a *Admin) TopicIDs(ctx context.Context, names []string) (map[string]string, error) {
	client, err := a.binding()
	if err != nil {
		return nil, err
	}
	result, err := client.DescribeTopics(ctx, binding.NewTopicCollectionOfTopicNames(names), requestTimeout(ctx))
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for i := range result.TopicDescriptions {
		d := &result.TopicDescriptions[i]
		if id := d.TopicID.String(); d.Error.Code() == binding.ErrNoError && id != noID {
			ids[d.Name] = id
		}
	}
	return ids, nil
}
