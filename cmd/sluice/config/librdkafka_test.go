package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

// rafkaFile is like the sample file of Rafka's package.
const rafkaFile = `{
 "general": {
   "api.version.request": true,
   "bootstrap.servers": "kafka-1.example.com,kafka-2.example.com:9093",
   "session.timeout.ms": 6000,
   "log.connection.close": false
 },
 "consumer": {
   "go.events.channel.enable": false,
   "enable.auto.commit": true,
   "auto.commit.interval.ms": 10000,
   "enable.auto.offset.store": false,
   "auto.offset.reset": "latest"
 },
 "producer": {
   "go.delivery.reports": true,
   "linger.ms": 0.5,
   "queue.buffering.max.kbytes": 2097151
 }
}`

func TestRafkasFileIsTakenAsItIs(t *testing.T) {
	var cfg kafka.Config
	files := newReading()
	if err := files.loadLibrdkafka(write(t, "librdkafka.json", rafkaFile), &cfg); err != nil {
		t.Fatal(err)
	}
	want := kafka.Config{
		Brokers:    []string{"kafka-1.example.com", "kafka-2.example.com:9093"},
		Properties: kafka.Properties{"api.version.request": "true", "session.timeout.ms": "6000", "log.connection.close": "false"},
		Consumer:   kafka.Properties{"auto.commit.interval.ms": "10000", "auto.offset.reset": "latest"},
		Producer:   kafka.Properties{"linger.ms": "0.5", "queue.buffering.max.kbytes": "2097151"},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var named []string
	for _, w := range files.warnings {
		named = append(named, fmt.Sprint(w.Attrs[3]))
	}
	owned := []string{
		"consumer.enable.auto.commit", "consumer.enable.auto.offset.store",
		"consumer.go.events.channel.enable", "producer.go.delivery.reports",
	}
	if diff := cmp.Diff(owned, named); diff != "" {
		t.Errorf("properties warned about (-want +got):\n%s", diff)
	}
}

func TestMistakesInRafkasFile(t *testing.T) {
	for content, want := range map[string]string{
		`{"general": {"foo": "bar"}}`:                  `FILE: general.foo: No such configuration property: "foo"`,
		`{"consumer": {"auto.offset.reset": "soon"}}`:  `FILE: consumer.auto.offset.reset: Invalid value "soon" for configuration property "auto.offset.reset"`,
		`{"consumer": {"session.timeout.ms": true}}`:   `FILE: consumer.session.timeout.ms: "true": Invalid value for configuration property "session.timeout.ms"`,
		`{"producer": {"linger.ms": null}}`:            `FILE: producer.linger.ms: null is not a value`,
		`{"producer": {"linger.ms": {}}}`:              `FILE: producer.linger.ms: needs a text, a number, true or false`,
		`{"general": {"metadata.broker.list": "a b"}}`: `FILE: general.metadata.broker.list: "a b" is not an address such as kafka1:9092`,
		`{"generale": {}}`:                             `FILE: unknown section "generale": there are consumer, general, producer`,
		`{"general": [1]}`:                             `FILE: needs sections of properties, each in braces, not a bare array`,
		`{} {}`:                                        `FILE: more text after the closing brace`,
		``:                                             `FILE: is empty`,
		"{\n  \"general\": {\"api.version.request\": tru}\n}":    `FILE: line 2, column 41: invalid character '}' in literal true (expecting 'e')`,
		`{"general": {"foo": 1}, "consumer": {"bar": 2}}`:        "FILE: general.foo: No such configuration property: \"foo\"\nFILE: consumer.bar: No such configuration property: \"bar\"",
		`{"general": {"sasl.password": {"hidden": "hunter2"}}}`:  `FILE: general.sasl.password: needs a text, a number, true or false`,
		`{"general": {"ssl.keystore.password": ["hunter2", 1]}}`: `FILE: general.ssl.keystore.password: needs a text, a number, true or false`,
	} {
		path := write(t, "librdkafka.json", content)
		err := newReading().loadLibrdkafka(path, &kafka.Config{})
		if got := strings.ReplaceAll(fmt.Sprint(err), path, "FILE"); got != want {
			t.Errorf("%s\n got %s\nwant %s", content, got, want)
		}
	}
}
