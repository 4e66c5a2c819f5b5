package config

import (
	"testing"
	"time"
)

func TestConfigValidateNamesTheSetting(t *testing.T) {
	for _, tt := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Brokers = nil }, "kafka.brokers: none given"},
		{func(c *Config) { c.Produce.InFlight = 0 }, "produce.in_flight: 0 is less than 1"},
		{func(c *Config) { c.Produce.MaxTopics = -1 }, "produce.max_topics: -1 is less than 1"},
		{func(c *Config) { c.Consume.MaxSubscriptions = 0 }, "consume.max_subscriptions: 0 is less than 1"},
		{func(c *Config) { c.Consume.WindowRecords = 0 }, "consume.window_records: 0 is less than 1"},
		{func(c *Config) { c.Consume.WindowBytes = 0 }, "consume.window_bytes: 0 is less than 1"},
		{func(c *Config) { c.MaxTopicRows = 0 }, "management.max_topic_rows: 0 is less than 1"},
		{func(c *Config) { c.Consume.LagInterval = 0 }, "consume.lag_interval: 0s is less than 100ms"},
		{func(c *Config) { c.Consume.StallAfter = time.Second }, "consume.stall_after: 1s is less than consume.lag_interval, 10s"},
		{func(c *Config) { c.Properties = Properties{"x": ""} }, `kafka.properties.x: No such configuration property: "x"`},
		{func(c *Config) { c.Producer = Properties{"x": ""} }, `kafka.producer.x: No such configuration property: "x"`},
		{func(c *Config) { c.Consumer = Properties{"x": ""} }, `kafka.consumer.x: No such configuration property: "x"`},
		{func(c *Config) {
			c.Profiles = map[string]Properties{Buffered: {"x": ""}}
		}, `kafka.profiles.buffered.x: No such configuration property: "x"`},
		{func(c *Config) {
			c.Profiles = map[string]Properties{"slow": {"linger.ms": "5"}}
		}, `kafka.profiles: there is no profile "slow": only delivered and buffered`},
	} {
		cfg := Defaults()
		cfg.Brokers = []string{"localhost:9092"}
		tt.change(&cfg)
		got := ""
		if err := cfg.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Values that only contradict one another are found when the handle is made; nothing is left behind.
