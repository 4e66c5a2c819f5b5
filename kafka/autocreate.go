package kafka

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
	creationUnknown autoCreate = iota
	creationOff
	creationOn
)

func (a *Admin) autoCreates(ctx context.Context) (autoCreate, error) {
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

func (a *Admin) readAutoCreate(ctx context.Context) (autoCreate, error) {
	client, err := a.binding()
	if err != nil {
		return creationUnknown, err
	}
	id, known := a.roster.pick() // who has just answered
	if !known {
		return creationUnknown, errors.New("the cluster has no brokers")
	}
	broker := binding.ConfigResource{Type: binding.ResourceBroker, Name: fmt.Sprint(id)}
	results, err := client.DescribeConfigs(ctx, []binding.ConfigResource{broker}, requestTimeout(ctx))
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

// create asks any broker for a topic as a producer does, which creates it where brokers create topics.
func (a *Admin) create(ctx context.Context, name string) error {
	return a.handle.Create(name, min(callTurn, timeLeft(ctx)))
}
