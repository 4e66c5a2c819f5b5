package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// NewTopic is a topic that is to be created.
type NewTopic struct {
	Name                 string
	Partitions, Replicas int // -1: as the brokers choose
	Settings             map[string]string
	// ValidateOnly has the brokers say whether they would create it.
	ValidateOnly bool
}

// SettingChange sets a topic's setting, or takes it back to its default.
type SettingChange struct {
	Name, Value string
	Delete      bool
}

// CreateTopic creates a topic and returns it, as soon as a broker knows it. Of a topic that was only validated it
// returns the name.
//
// It may fail as every change does: ErrRefused and ErrDenied say that nothing was changed, ErrNotNow that it may
// succeed later, and ErrMaybe that no broker answered in time. Records of the topic are then looked up again at once.
func (c *Cluster) CreateTopic(ctx context.Context, t NewTopic) (created Topic, err error) {
	created.Name = t.Name
	err = c.change(ctx, t.Name, func(ctx context.Context, client *binding.AdminClient) error {
		results, err := client.CreateTopics(ctx, []binding.TopicSpecification{{
			Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: t.Replicas, Config: t.Settings,
		}}, requestTimeout(ctx), operationTimeout(ctx), binding.SetAdminValidateOnly(t.ValidateOnly))
		return firstFailure(results, err)
	})
	if err != nil || t.ValidateOnly {
		return created, err
	}
	err = c.await(ctx, t.Name, func(now Topic, err error) bool {
		created = now
		return err == nil && len(now.Partitions) > 0
	})
	if err != nil {
		return created, fmt.Errorf("topic %s is created, but %w that knows it: %w", t.Name, kerr.ErrNoAnswer, err)
	}
	return created, nil
}

// AddPartitions makes a topic have count partitions, which must be more than it has. It returns the topic. ErrNoTopic
// says that there is none. Other errors are those of CreateTopic.
func (c *Cluster) AddPartitions(ctx context.Context, name string, count int) (grown Topic, err error) {
	if grown, err = c.Topic(ctx, name); err != nil {
		return grown, err
	}
	err = c.change(ctx, name, func(ctx context.Context, client *binding.AdminClient) error {
		results, err := client.CreatePartitions(ctx, []binding.PartitionsSpecification{{Topic: name, IncreaseTo: count}},
			requestTimeout(ctx), operationTimeout(ctx))
		return firstFailure(results, err)
	})
	if err != nil {
		return grown, err
	}
	err = c.await(ctx, name, func(now Topic, err error) bool {
		grown = now
		return err == nil && len(now.Partitions) >= count
	})
	if err != nil {
		return grown, fmt.Errorf("topic %s has %d partitions, but %w that knows them: %w", name, count, kerr.ErrNoAnswer, err)
	}
	return grown, nil
}

// DeleteTopic deletes a topic with its records. Its errors are those of AddPartitions.
func (c *Cluster) DeleteTopic(ctx context.Context, name string) error {
	if _, err := c.Topic(ctx, name); err != nil {
		return err
	}
	err := c.change(ctx, name, func(ctx context.Context, client *binding.AdminClient) error {
		results, err := client.DeleteTopics(ctx, []string{name}, requestTimeout(ctx), operationTimeout(ctx))
		return firstFailure(results, err)
	})
	if err == nil { // it is gone, also if the brokers show it for some time
		_ = c.await(ctx, name, func(_ Topic, err error) bool { return errors.Is(err, kerr.ErrNoTopic) })
	}
	return err
}

// AlterTopic changes settings of a topic, all or none of them. Its errors are those of AddPartitions.
func (c *Cluster) AlterTopic(ctx context.Context, name string, changes []SettingChange, validateOnly bool) error {
	var entries []binding.ConfigEntry
	for _, change := range changes {
		operation := binding.AlterConfigOpTypeSet
		if change.Delete {
			operation = binding.AlterConfigOpTypeDelete
		}
		entries = append(entries, binding.ConfigEntry{Name: change.Name, Value: change.Value, IncrementalOperation: operation})
	}
	topic := binding.ConfigResource{Type: binding.ResourceTopic, Name: name, Config: entries}
	return c.change(ctx, name, func(ctx context.Context, client *binding.AdminClient) error {
		results, err := client.IncrementalAlterConfigs(ctx, []binding.ConfigResource{topic}, requestTimeout(ctx), binding.SetAdminValidateOnly(validateOnly))
		for _, r := range results {
			if r.Error.Code() != binding.ErrNoError {
				err = r.Error
			}
		}
		return err
	})
}

// change has the brokers change a topic, and tells the producers.
func (c *Cluster) change(ctx context.Context, name string, do func(context.Context, *binding.AdminClient) error) error {
	if InternalTopic(name) {
		return fmt.Errorf("topic %s: %w: it is Kafka's own", name, kerr.ErrDenied)
	}
	var failed error
	err := c.Query(ctx, func(ctx context.Context, a *Admin) error {
		if _, err := a.metadata(ctx, false); err != nil {
			return err // nothing was asked for, so nothing can be done
		}
		client, err := a.binding()
		if err == nil {
			failed = kerr.Changed(do(ctx, client))
		}
		return err
	})
	if err != nil {
		return err
	}
	c.engine.Changed(name)
	return failed
}

// firstFailure is the error of a change of one topic.
func firstFailure(results []binding.TopicResult, err error) error {
	for _, r := range results {
		if r.Error.Code() != binding.ErrNoError {
			return r.Error
		}
	}
	return err
}

// operationTimeout has the brokers wait until a change is done, as long as the request may take.
func operationTimeout(ctx context.Context) binding.AdminOptionOperationTimeout {
	return binding.SetAdminOperationTimeout(time.Duration(max(1, MillisLeft(ctx)*3/4)) * time.Millisecond)
}

// await asks for a topic until it is as a change has made it: brokers learn of it one after the other.
func (c *Cluster) await(ctx context.Context, name string, shown func(Topic, error) bool) error {
	tick := time.NewTicker(appearancePause)
	defer tick.Stop()
	for {
		if shown(c.Topic(ctx, name)) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// appearancePause is the time between two questions whether the brokers know of a change.
const appearancePause = 20 * time.Millisecond
