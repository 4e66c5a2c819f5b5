package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// exists asks the brokers for one topic without creating it (DescribeTopics sets
// allow_auto_topic_creation to false, unlike a producer's metadata request).
func (a *Admin) exists(ctx context.Context, name string) (bool, error) {
	result, err := a.client.DescribeTopics(ctx, binding.NewTopicCollectionOfTopicNames([]string{name}), requestTimeout(ctx))
	if err != nil {
		return false, err
	}
	for _, t := range result.TopicDescriptions {
		switch t.Error.Code() {
		case binding.ErrUnknownTopicOrPart, binding.ErrUnknownTopic:
			return false, nil
		}
	}
	return true, nil
}

// willCreate tells whether the brokers create the topic now that it is produced to. Brokers that do
// not say whether they do (auto.create.topics.enable needs rights to be read) are asked to do it.
func (a *Admin) willCreate(ctx context.Context, name string) (bool, error) {
	creates, err := a.autoCreates(ctx)
	if err != nil || creates == creationOn {
		return err == nil, err
	}
	until := time.Now().Add(appearance)
	if creates == creationUnknown {
		// As a producer asks, which creates it where brokers create topics.
		if _, err := a.client.GetMetadata(&name, false, millisLeft(ctx)); err != nil {
			return false, err
		}
	}
	return a.appears(ctx, name, until)
}

// appearance bounds the wait for a topic that may be on its way: the brokers were asked to create it,
// or one knows already what the one that was asked does not.
const appearance = 300 * time.Millisecond

// appears looks for the topic again and again.
func (a *Admin) appears(ctx context.Context, name string, until time.Time) (bool, error) {
	for {
		exists, err := a.exists(ctx, name)
		if err != nil || exists || time.Now().After(until) {
			return exists, err
		}
		select {
		case <-time.After(appearance / 10):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// creation is what is known of the brokers' auto.create.topics.enable.
type creation int

const (
	creationUnknown creation = iota
	creationOff
	creationOn
)

func (a *Admin) autoCreates(ctx context.Context) (creation, error) {
	a.mu.Lock()
	creates, asOf := a.creates, a.createsAsOf
	a.mu.Unlock()
	if time.Since(asOf) < time.Minute {
		return creates, nil
	}
	creates, err := a.readAutoCreate(ctx)
	if err != nil {
		return creationUnknown, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.creates, a.createsAsOf = creates, time.Now()
	return creates, nil
}

func (a *Admin) readAutoCreate(ctx context.Context) (creation, error) {
	brokers, err := a.brokers(ctx)
	if err != nil {
		return creationUnknown, err
	}
	if len(brokers) == 0 {
		return creationUnknown, errors.New("the cluster has no brokers")
	}
	broker := binding.ConfigResource{Type: binding.ResourceBroker, Name: fmt.Sprint(brokers[0].ID)}
	results, err := a.client.DescribeConfigs(ctx, []binding.ConfigResource{broker})
	if err != nil {
		return creationUnknown, err
	}
	for _, r := range results {
		entry, found := r.Config["auto.create.topics.enable"]
		switch {
		case found && entry.Value == "true":
			return creationOn, nil
		case found:
			return creationOff, nil
		}
	}
	return creationUnknown, nil
}
