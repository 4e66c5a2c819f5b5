package config

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	rd "github.com/sluice-proxy/sluice/kafka/librdkafka"
)

func TestForcedPropertiesGiveAReason(t *testing.T) {
	for name := range forced {
		if reason, owned := Forced(ForAll, name, ""); !owned || reason == "" {
			t.Errorf("%s: %v %q", name, owned, reason)
		}
		if _, may := overridable[name]; may {
			t.Errorf("%s is sluice's own and a client's to set", name)
		}
	}
	if _, owned := Forced(ForAll, "linger.ms", "5"); owned {
		t.Error("linger.ms is not sluice's own")
	}
}

// What sluice forces must win over every set that somebody else writes.
func TestNothingOverridesWhatIsForced(t *testing.T) {
	evil := Properties{
		"bootstrap.servers": "evil:1", "group.id": "evil", "enable.auto.offset.store": "true",
		"enable.auto.commit": "false", "enable.partition.eof": "false", "enable.idempotence": "false",
	}
	cfg := Defaults()
	cfg.Brokers = []string{"good:1", "good:2"}
	cfg.Properties, cfg.Producer, cfg.Consumer, cfg.Profiles = evil, evil, evil, map[string]Properties{Delivered: evil}
	consumer := cfg.ConsumerProperties("good", evil, 0)
	for name, want := range map[string]string{
		"bootstrap.servers": "good:1,good:2", "group.id": "good", "enable.auto.offset.store": "false",
		"enable.auto.commit": "false", "enable.partition.eof": "true",
	} {
		if consumer[name] != want {
			t.Errorf("consumer: %s=%s, want %s", name, consumer[name], want)
		}
	}
	producer := cfg.ProducerProperties(Delivered)
	if producer["bootstrap.servers"] != "good:1,good:2" || producer["enable.idempotence"] != "true" {
		t.Errorf("producer: %v", producer)
	}
}

func TestSetsLieOverOneAnother(t *testing.T) {
	cfg := Defaults()
	cfg.Properties = Properties{"client.id": "all", "linger.ms": "1"}
	cfg.Producer = Properties{"linger.ms": "2", "acks": "-1"}
	cfg.Profiles = map[string]Properties{Delivered: {"linger.ms": "3"}}
	cfg.Consumer = Properties{"client.id": "consumers", "auto.offset.reset": "latest"}
	if p := cfg.ProducerProperties(Delivered); p["linger.ms"] != "3" || p["client.id"] != "all" || p["acks"] != "-1" {
		t.Errorf("delivered: %v", p)
	}
	if p := cfg.ProducerProperties(Buffered); p["linger.ms"] != "2" {
		t.Errorf("buffered: %v", p)
	}
	p := cfg.ConsumerProperties("g", Properties{"auto.offset.reset": "error"}, 0)
	if p["client.id"] != "consumers" || p["auto.offset.reset"] != "error" {
		t.Errorf("consumer: %v", p)
	}
}

// What somebody wrote is above every default of sluice, in whichever section.
func TestWhatIsWrittenIsAboveEveryDefault(t *testing.T) {
	cfg := Defaults()
	cfg.Brokers = []string{"localhost:9092"}
	consumers, _ := fetching(0)
	defaults := Merge(cfg.ProducerProperties(Delivered), cfg.ConsumerProperties("g", nil, 0), consumers, clientDefaults, classicGroup)
	for name, value := range defaults {
		if _, owned := Forced(ForAll, name, value); owned || idempotent[name].fits != nil {
			continue
		}
		for _, section := range []*Properties{&cfg.Properties, &cfg.Producer, &cfg.Consumer} {
			*section = Properties{name: "written"}
			producer, consumer := cfg.ProducerProperties(Delivered)[name], cfg.ConsumerProperties("g", nil, 0)[name]
			*section = nil
			wantProducer, wantConsumer := section != &cfg.Consumer, section != &cfg.Producer && name != "message.max.bytes"
			if (producer == "written") != wantProducer || (consumer == "written") != wantConsumer {
				t.Errorf("%s: producers have %q, consumers %q", name, producer, consumer)
			}
		}
	}
	cfg.Properties = Properties{"message.max.bytes": "5000000"} // for producers: consumers ask for less, and get a larger record all the same
	if p := cfg.ConsumerProperties("g", nil, 0); p["message.max.bytes"] != "65536" {
		t.Errorf("a consumer's message.max.bytes is %s", p["message.max.bytes"])
	}
}

func TestTheAssignorGoesWithTheProtocol(t *testing.T) {
	cfg := Defaults()
	for _, tt := range []struct {
		overrides Properties
		want      string
	}{
		{nil, "cooperative-sticky"},
		{Properties{"partition.assignment.strategy": "range"}, "range"},
		{Properties{"group.protocol": "consumer"}, ""},
	} {
		if got := cfg.ConsumerProperties("g", tt.overrides, 0)["partition.assignment.strategy"]; got != tt.want {
			t.Errorf("%v: %q, want %q", tt.overrides, got, tt.want)
		}
	}
}

// A name that librdkafka does not know, misspelt or dropped by a new version, would never match.
func TestEveryListedPropertyExists(t *testing.T) {
	cfg := Defaults()
	cfg.Brokers = []string{"localhost:9092"}
	sets := Merge(cfg.ProducerProperties(Delivered), cfg.ProducerProperties(Buffered), cfg.ConsumerProperties("g", nil, 0))
	for _, name := range slices.Concat(slices.Collect(maps.Keys(forced)), slices.Collect(maps.Keys(overridable))) {
		sets[name] = ""
	}
	for name, value := range sets {
		var refused *rd.PropertyError
		if err := rd.CheckProperty(name, value); errors.As(err, &refused) && strings.Contains(refused.Reason, "No such") {
			t.Errorf("%v", err)
		} else if err != nil && value != "" {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestValidateNamesThePropertyAndTheReason(t *testing.T) {
	for _, tt := range []struct {
		properties Properties
		want       string
	}{
		{nil, ""},
		{Properties{"linger.ms": "5", "acks": "all"}, ""},
		{Properties{"linger.msec": "5"}, `linger.msec: No such configuration property: "linger.msec"`},
		{Properties{"client.dns.lookup": "soon"}, `client.dns.lookup: Invalid value "soon" for configuration property "client.dns.lookup"`},
		{Properties{"linger.ms": "soon"}, `linger.ms: Invalid value for configuration property "queue.buffering.max.ms"`}, // its older name
		{Properties{"queue.buffering.max.ms": "5", "linger.ms": "5"}, `queue.buffering.max.ms: librdkafka's other name of linger.ms, which is set as well: leave one out`},
		{Properties{"b": "1", "a": "1"}, `a: No such configuration property: "a"`},
		{Properties{"session.timeout.ms": "0"}, `session.timeout.ms: Configuration property "session.timeout.ms" value 0 is outside allowed range 1..3600000`},
	} {
		got := ""
		if err := tt.properties.Validate(); err != nil {
			got = err.Error()
		}
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("%v: %q, want %q", tt.properties, got, tt.want)
		}
	}
}

// A session has a fifth of a queue at most, and others find room beside it.
func TestNoSessionFillsTheQueue(t *testing.T) {
	cfg := Defaults()
	for _, profile := range []string{Delivered, Buffered} {
		queue, err := strconv.Atoi(cfg.ProducerProperties(profile)["queue.buffering.max.messages"])
		if err != nil || queue < 5*cfg.Produce.InFlight {
			t.Errorf("%s: a queue of %d (%v), and %d of one session", profile, queue, err, cfg.Produce.InFlight)
		}
	}
}

// Each of the two names alone would reach librdkafka beside sluice's default under the other, and one of them win by chance.
func TestAPropertyWithTwoNamesIsOne(t *testing.T) {
	for alias, name := range aliases {
		invalid := func(name string) string {
			var refused *rd.PropertyError
			if err := rd.CheckProperty(name, "no such value"); errors.As(err, &refused) {
				return refused.Reason
			}
			return ""
		}
		if a, b := invalid(alias), invalid(name); a != b {
			t.Errorf("librdkafka says %q of %s, and %q of %s", a, alias, b, name)
		}
		merged := Merge(Properties{name: "default"}, Properties{alias: "operator's"})
		if len(merged) != 1 || merged[name] != "operator's" {
			t.Errorf("%s above %s: %v", alias, name, merged)
		}
	}
	cfg := Defaults()
	cfg.Producer = Properties{"max.in.flight": "3", "delivery.timeout.ms": "1000", "queue.buffering.max.ms": "7"}
	p := cfg.ProducerProperties(Buffered)
	if p["max.in.flight.requests.per.connection"] != "3" || p["message.timeout.ms"] != "1000" || p["linger.ms"] != "7" {
		t.Errorf("%v", p)
	}
	if _, owned := Forced(ForAll, "metadata.broker.list", "x"); !owned {
		t.Error("metadata.broker.list would stand beside the brokers of the configuration")
	}
}
