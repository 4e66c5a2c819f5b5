package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// AutoCreate is what is known of the brokers' auto.create.topics.enable.
type AutoCreate int

// The three things that may be known.
const (
	AutoCreateUnknown AutoCreate = iota
	AutoCreateOff
	AutoCreateOn
)

// AutoCreates tells whether the brokers create topics that they do not know. It asks them seldom.
func (a *Admin) AutoCreates(ctx context.Context) (AutoCreate, error) {
	a.mu.Lock()
	creates, asOf := a.creates, a.createsAsOf
	a.mu.Unlock()
	if time.Since(asOf) < time.Minute {
		return creates, nil
	}
	creates, err := a.readAutoCreate(ctx)
	if err != nil {
		return AutoCreateUnknown, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.creates, a.createsAsOf = creates, time.Now()
	return creates, nil
}

func (a *Admin) readAutoCreate(ctx context.Context) (AutoCreate, error) {
	client, err := a.binding()
	if err != nil {
		return AutoCreateUnknown, err
	}
	id, known := a.roster.pick() // who has just answered
	if !known {
		return AutoCreateUnknown, errors.New("the cluster has no brokers")
	}
	broker := binding.ConfigResource{Type: binding.ResourceBroker, Name: fmt.Sprint(id)}
	results, err := client.DescribeConfigs(ctx, []binding.ConfigResource{broker}, requestTimeout(ctx))
	if err != nil {
		return AutoCreateUnknown, err
	}
	for _, r := range results {
		entry, found := r.Config["auto.create.topics.enable"]
		switch {
		case found && entry.Value == "true":
			return AutoCreateOn, nil
		case found:
			return AutoCreateOff, nil
		}
	}
	return AutoCreateUnknown, nil
}

// CreateTopic asks any broker for a topic as a producer does, which creates it where brokers create topics.
func (a *Admin) CreateTopic(ctx context.Context, name string) error {
	return a.handle.Create(name, min(TurnTime, timeLeft(ctx)))
}
