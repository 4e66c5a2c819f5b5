package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// autoCreate is what is known of the brokers' auto.create.topics.enable.
type autoCreate int

const (
	CreationUnknown autoCreate = iota
	creationOff
	CreationOn
)

func (a *Admin) AutoCreates(ctx context.Context) (autoCreate, error) {
	a.mu.Lock()
	creates, asOf := a.creates, a.createsAsOf
	a.mu.Unlock()
	if time.Since(asOf) < time.Minute {
		return creates, nil
	}
	creates, err := a.readAutoCreate(ctx)
	if err != nil {
		return CreationUnknown, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.creates, a.createsAsOf = creates, time.Now()
	return creates, nil
}

func (a *Admin) readAutoCreate(ctx context.Context) (autoCreate, error) {
	client, err := a.binding()
	if err != nil {
		return CreationUnknown, err
	}
	id, known := a.roster.pick() // who has just answered
	if !known {
		return CreationUnknown, errors.New("the cluster has no brokers")
	}
	broker := binding.ConfigResource{Type: binding.ResourceBroker, Name: fmt.Sprint(id)}
	results, err := client.DescribeConfigs(ctx, []binding.ConfigResource{broker}, requestTimeout(ctx))
	if err != nil {
		return CreationUnknown, err
	}
	for _, r := range results {
		entry, found := r.Config["auto.create.topics.enable"]
		switch {
		case found && entry.Value == "true":
			return CreationOn, nil
		case found:
			return creationOff, nil
		}
	}
	return CreationUnknown, nil
}

// CreateTopic asks any broker for a topic as a producer does, which creates it where brokers create topics.
func (a *Admin) CreateTopic(ctx context.Context, name string) error {
	return a.handle.Create(name, min(TurnTime, timeLeft(ctx)))
}
