package config

import (
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/kafka"
)

// Reading any file ends, and each mistake is a line with a place.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"", "resp: {address: x}\n", "kafka:\n  brokers: [a, b]\n  properties: {linger.ms: 5}\n", "a: &x [*x]\n", "<<: *a\n",
		"kafka:\n  profiles:\n    buffered: {}\n", "resp: {limits: {bulk: 1MiB}}\n", "limits: {bulk: 1MiB}\ndrain:\nmember: 5s\n", "? x\n: y\n", "a: |\n  b\n", "---\n---\n", "\ufeffresp:\n", "{{{{[[[[", "a:\n\t- b",
		"groups:\n  g:\n    topics:\n      orders: {max_retries: 3, dead_letter: {topic: x}, overrides: [sluice.lease]}\n      '*': {dead_letter: skip, rate: {limit: 1}, breaker: {}}\n", "groups: {'': {topics: {'': {dead_letter: {}}}}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		_, err := read(content)
		if err != nil && !strings.HasPrefix(err.Error(), "sluice.yaml:") {
			t.Errorf("no place: %v", err)
		}
	})
}

// Reading any librdkafka.json ends with valid properties or an error.
func FuzzLibrdkafka(f *testing.F) {
	for _, seed := range []string{rafkaFile, "", "{}", `{"general": {"": ""}}`, `{"general": null}`, `{"producer": {"linger.ms": 1e999}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		file, err := parseLibrdkafka([]byte(content))
		if err != nil {
			return
		}
		cfg := kafka.Config{}
		l := librdkafkaLoader{reading: newReading(), path: "librdkafka.json", to: &cfg}
		l.apply(file)
		for name, value := range cfg.Consumer {
			if err := validProperty(name, value); err != nil {
				t.Errorf("%s=%s was taken: %v", name, value, err)
			}
		}
	})
}
