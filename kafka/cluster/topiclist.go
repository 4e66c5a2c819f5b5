package cluster

import (
	"cmp"
	"context"
	"slices"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Topics lists the topics of the cluster with their partitions, in order, internal ones left out; their offsets
// are not read and -1. Its errors are those of Topic.
func (c *Cluster) Topics(ctx context.Context) (topics []Topic, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		topics, err = a.allTopics(ctx)
		return err
	})
	return topics, err
}

// TopicNames lists the topics of the cluster in order, internal ones left out. Its errors are those of
// Topic.
func (c *Cluster) TopicNames(ctx context.Context) (names []string, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		names, err = a.TopicNames(ctx)
		return err
	})
	return names, err
}

// TopicSetting is one of a topic's settings, as the brokers have it.
type TopicSetting struct {
	Name, Value, Source            string // Source as Kafka calls it, such as DEFAULT_CONFIG
	IsDefault, ReadOnly, Sensitive bool
}

// TopicSettings reads the settings of a topic, by name. ErrNoTopic says that there is none.
func (c *Cluster) TopicSettings(ctx context.Context, name string) (settings []TopicSetting, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		if _, err := a.topic(ctx, name); err != nil {
			return err
		}
		resource := binding.ConfigResource{Type: binding.ResourceTopic, Name: name}
		client, err := a.binding()
		if err != nil {
			return err
		}
		results, err := client.DescribeConfigs(ctx, []binding.ConfigResource{resource}, requestTimeout(ctx))
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Error.Code() != binding.ErrNoError {
				return r.Error
			}
			for _, entry := range r.Config {
				settings = append(settings, settingOf(&entry))
			}
		}
		return nil
	})
	slices.SortFunc(settings, func(a, b TopicSetting) int { return cmp.Compare(a.Name, b.Name) })
	return settings, err
}

// settingSources are Kafka's names (DescribeConfigsResponse.ConfigSource).
var settingSources = map[binding.ConfigSource]string{
	binding.ConfigSourceDynamicTopic:         "DYNAMIC_TOPIC_CONFIG",
	binding.ConfigSourceDynamicBroker:        "DYNAMIC_BROKER_CONFIG",
	binding.ConfigSourceDynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG",
	binding.ConfigSourceStaticBroker:         "STATIC_BROKER_CONFIG",
	binding.ConfigSourceDefault:              "DEFAULT_CONFIG",
}

func settingOf(entry *binding.ConfigEntryResult) TopicSetting {
	source, known := settingSources[entry.Source]
	if !known {
		source = "UNKNOWN"
	}
	return TopicSetting{
		Name: entry.Name, Value: entry.Value, Source: source,
		IsDefault: entry.IsDefault, ReadOnly: entry.IsReadOnly, Sensitive: entry.IsSensitive,
	}
}
