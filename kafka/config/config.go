// Package config describes the Kafka side of a proxy.
//
// It has the bounds of a client, the properties of each librdkafka client, and the rules for both.
package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/failures"
)

// The two producer profiles. A profile is a named set of librdkafka properties; every record is produced
// through one of them.
const (
	// Delivered serves callers that wait for the brokers' answer (linger.ms=0).
	Delivered = "delivered"
	// Buffered serves callers that do not wait (linger.ms=10, while others are under way).
	Buffered = "buffered"
)

// Properties are librdkafka configuration properties by name, as in its CONFIGURATION.md.
type Properties map[string]string

// Config describes the Kafka side of a proxy. Defaults returns one that lacks only Brokers.
type Config struct {
	// Brokers are the bootstrap addresses, host:port.
	Brokers []string
	// Properties apply to every librdkafka client (security.protocol, sasl.*, ...).
	Properties Properties
	// Producer applies to every producer profile, above Properties.
	Producer Properties
	// Profiles holds what one profile overrides, above Producer. Its keys are Delivered and Buffered.
	Profiles map[string]Properties
	// Consumer applies to every subscription, above Properties and below a client's own overrides.
	Consumer Properties

	Produce Produce
	Consume Consume
	// Failures says what becomes of records whose processing fails, by group and topic.
	Failures failures.Policies
	// MaxTopicRows bounds the topics that are counted by name: see Client.Produced.
	MaxTopicRows int

	// Register is called by every long-running loop when it begins. The loop calls beat at least once per gap while it
	// makes progress, and end when it ends. The loops are "producer:" and a profile, "subscription:" and a group,
	// "lag", "topics", and "patterns" while there are any. Several loops may share a name. Nil: nobody watches.
	Register func(loop string, gap time.Duration) (beat, end func()) `json:"-"`
}

// Produce holds the bounds of producing, the settings produce.*.
type Produce struct {
	// InFlight is how many records of one session may have no delivery report yet. A fast client would wait with a
	// smaller number: at a million records per second, 15 000 linger or are being answered.
	InFlight int
	// MaxTopics bounds the distinct topics that are produced to, because librdkafka never forgets a topic.
	MaxTopics int
}

// Consume holds the bounds and times of consuming, the settings consume.*.
type Consume struct {
	// MaxSubscriptions bounds the consumers of this proxy. Each has about five threads. Clients of one remote address
	// may open half of them.
	MaxSubscriptions int
	// WindowRecords and WindowBytes bound the unsettled records of one member, and of one partition. WindowRecords is at most
	// MostWindowRecords.
	WindowRecords int
	WindowBytes   int
	// Memory is the bytes that the fetched records of all subscriptions may take in librdkafka.
	Memory int
	// MemberGrace is how long a member whose connection ended keeps its unsettled records.
	MemberGrace time.Duration
	// Linger is how long a subscription stays in its group after the last member left.
	Linger time.Duration
	// RevokeGrace is how long a partition that Kafka takes away waits for its records to be settled.
	RevokeGrace time.Duration
	// CommitInterval is the time between offset commits. After a kill -9 what was settled in this time comes again.
	CommitInterval time.Duration
	// LagInterval is the time between two readings of the lag of the served groups.
	LagInterval time.Duration
	// StallAfter is how long a group with a lag may commit nothing before the group counts as stalled.
	StallAfter time.Duration
}

// Defaults returns the configuration of a proxy for which nothing is set. It has no Brokers.
func Defaults() Config {
	return Config{
		Produce: Produce{InFlight: 20_000, MaxTopics: 10_000},
		Consume: Consume{
			MaxSubscriptions: 100,
			WindowRecords:    10_000,
			WindowBytes:      16 << 20,
			Memory:           400 << 20,
			MemberGrace:      5 * time.Second,
			Linger:           30 * time.Second,
			RevokeGrace:      time.Second,
			CommitInterval:   time.Second,
			LagInterval:      10 * time.Second,
			StallAfter:       time.Minute,
		},
		MaxTopicRows: 200,
	}
}

// Validate reports the first thing that makes the configuration unusable, naming field and value.
func (c *Config) Validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("kafka.brokers: none given")
	}
	for _, bound := range []struct {
		name  string
		value int
	}{
		{"produce.in_flight", c.Produce.InFlight},
		{"produce.max_topics", c.Produce.MaxTopics},
		{"consume.max_subscriptions", c.Consume.MaxSubscriptions},
		{"consume.window_records", c.Consume.WindowRecords},
		{"consume.window_bytes", c.Consume.WindowBytes},
		{"management.max_topic_rows", c.MaxTopicRows},
		{"consume.memory", c.Consume.Memory},
	} {
		if bound.value < 1 {
			return fmt.Errorf("%s: %d is less than 1", bound.name, bound.value)
		}
	}
	if n := c.Consume.WindowRecords; n > MostWindowRecords {
		return fmt.Errorf("consume.window_records: %d is more than %d", n, MostWindowRecords)
	}
	if c.Consume.LagInterval < leastLagInterval {
		return fmt.Errorf("consume.lag_interval: %v is less than %v", c.Consume.LagInterval, leastLagInterval)
	}
	if c.Consume.StallAfter < c.Consume.LagInterval {
		return fmt.Errorf("consume.stall_after: %v is less than consume.lag_interval, %v", c.Consume.StallAfter, c.Consume.LagInterval)
	}
	if mistakes := c.Failures.Mistakes(); len(mistakes) > 0 {
		return mistakes[0]
	}
	return c.validateProperties()
}

// MostWindowRecords is the largest window. Which of its records are settled must fit into the metadata of an offset commit, of
// which brokers take 4096 characters (offset.metadata.max.bytes).
const MostWindowRecords = 15_000

// leastLagInterval keeps a mistake in the configuration from asking the brokers all the time.
const leastLagInterval = 100 * time.Millisecond

func (c *Config) validateProperties() error {
	sets := []struct {
		where string
		props Properties
	}{
		{"kafka.properties", c.Properties},
		{"kafka.producer", c.Producer},
		{"kafka.consumer", c.Consumer},
	}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		if name != Delivered && name != Buffered {
			return fmt.Errorf("kafka.profiles: there is no profile %q: only delivered and buffered", name)
		}
		sets = append(sets, struct {
			where string
			props Properties
		}{"kafka.profiles." + name, c.Profiles[name]})
	}
	for _, set := range sets {
		if err := set.props.Validate(); err != nil {
			return fmt.Errorf("%s.%w", set.where, err)
		}
	}
	return nil
}
