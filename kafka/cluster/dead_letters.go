package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// deadLetterSettings are those of a dead-letter topic that sluice creates. Its records stay for 30 days.
var deadLetterSettings = map[string]string{
	"cleanup.policy": "delete",
	"retention.ms":   strconv.FormatInt((30 * 24 * time.Hour).Milliseconds(), 10),
}

// ensureTime bounds EnsureDeadLetters, which may wait for a change and then for brokers that learn of it.
const ensureTime = 2 * QueryTime

// EnsureDeadLetters returns nil if a topic's dead-letter topic exists, or was created now, and keeps what is written to it. It
// gets as many partitions as its source has. Several sluices may create it at once.
//
// The error says what to do about it. It wraps ErrUnusable when the topic would lose dead letters, ErrNoTopic when the source does not
// exist, and the errors of CreateTopic and TopicSettings.
func (c *Cluster) EnsureDeadLetters(ctx context.Context, source, deadLetter string) error {
	ctx, cancel := context.WithTimeout(ctx, ensureTime)
	defer cancel()
	switch {
	case !record.ValidTopic(deadLetter): // librdkafka would panic
		return fmt.Errorf("dead-letter topic %q %w: the name of a topic is 1 to %d of A-Z a-z 0-9 . _ -", deadLetter, kerr.ErrUnusable, record.MaxTopic)
	case deadLetter == source:
		return fmt.Errorf("dead-letter topic %s %w: it is the topic whose records are given up", deadLetter, kerr.ErrUnusable)
	}
	_, err := c.Topic(ctx, deadLetter)
	switch {
	case errors.Is(err, kerr.ErrNoTopic):
		err = c.createDeadLetters(ctx, source, deadLetter)
	case errors.Is(err, kerr.ErrDenied):
		err = fmt.Errorf("%w; give sluice Write on it, and Create if it does not exist", err)
	}
	if err != nil {
		return fmt.Errorf("dead-letter topic %s: %w", deadLetter, err)
	}
	return c.checkDeadLetters(ctx, source, deadLetter)
}

const topicExists = librdkafka.Code(binding.ErrTopicAlreadyExists)

// createDeadLetters creates a dead-letter topic with the partitions of its source.
func (c *Cluster) createDeadLetters(ctx context.Context, source, name string) error {
	like, err := c.Topic(ctx, source)
	if err != nil {
		return fmt.Errorf("of its source: %w", err)
	}
	_, err = c.CreateTopic(ctx, NewTopic{Name: name, Partitions: len(like.Partitions), Replicas: -1, Settings: deadLetterSettings})
	// Another sluice may just have created it, and a request without an answer may have.
	if kerr.CodeOf(err) == topicExists || errors.Is(err, kerr.ErrMaybe) {
		return c.await(ctx, name, func(t Topic, err error) bool { return err == nil && len(t.Partitions) > 0 })
	}
	if errors.Is(err, kerr.ErrDenied) {
		return fmt.Errorf("it does not exist, and sluice may not create it: %w; create it, or give sluice Create on the topic", err)
	}
	if errors.Is(err, kerr.ErrRefused) { // such as a name that differs from another only in . and _
		return fmt.Errorf("it does not exist and cannot be created: %w; create it, or name another topic in dead_letter of %s", err, source)
	}
	if err != nil {
		return fmt.Errorf("it does not exist and cannot be created: %w", err)
	}
	return nil
}

// checkDeadLetters refuses a topic that loses dead letters. Compaction keeps the last record of each key.
func (c *Cluster) checkDeadLetters(ctx context.Context, source, name string) error {
	settings, err := c.TopicSettings(ctx, name)
	if errors.Is(err, kerr.ErrDenied) {
		c.uncheckedLetters.Do(func() {
			c.log.Warn("whether dead-letter topics are compacted is not known", "topic", name, "err", err)
		})
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings of dead-letter topic %s: %w", name, err)
	}
	policy := settingIn(settings, "cleanup.policy")
	if !slices.Contains(strings.Split(policy, ","), "compact") {
		return nil
	}
	return fmt.Errorf("dead-letter topic %s %w: it is compacted (cleanup.policy=%s), and records of it would vanish; "+
		"set cleanup.policy=delete, or name another topic in dead_letter of %s", name, kerr.ErrUnusable, policy, source)
}

// settingIn is the value of a setting, empty for none.
func settingIn(settings []TopicSetting, name string) string {
	for _, s := range settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

// Shape is what must be known of a topic to make a record that it takes.
type Shape struct {
	Partitions int32
	Largest    int // bytes of a batch, 0 when the brokers do not tell it
}

// TopicShape asks for a topic's shape. Its errors are those of Topic.
func (c *Cluster) TopicShape(ctx context.Context, name string) (Shape, error) {
	t, err := c.Topic(ctx, name)
	if err != nil {
		return Shape{}, err
	}
	shape := Shape{Partitions: int32(len(t.Partitions))}
	settings, err := c.TopicSettings(ctx, name)
	if err == nil { // many may not read them
		shape.Largest, _ = strconv.Atoi(settingIn(settings, "max.message.bytes"))
	}
	return shape, nil
}

// TopicsWithOffsets reads topics with their offsets, in order. ErrNoTopic says that there is no such topic.
func (c *Cluster) TopicsWithOffsets(ctx context.Context, names []string) (topics []Topic, err error) {
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		for _, name := range names {
			if _, err := a.topic(ctx, name); err != nil {
				return err
			}
		}
		topics, err = a.describe(ctx, names)
		return err
	})
	return topics, err
}
