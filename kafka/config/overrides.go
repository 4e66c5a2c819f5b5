package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// overridable are the properties that a client may set for its subscription: how the group behaves
// and where it starts. What reaches files, credentials, brokers, the memory of the process or C's regular
// expressions is the operator's alone.
var overridable = map[string]bound{
	"allow.auto.create.topics":           {},
	"auto.commit.interval.ms":            {least: 100, most: 86_400_000},
	"auto.offset.reset":                  {},
	"check.crcs":                         {},
	"client.id":                          {},
	"client.rack":                        {},
	"coordinator.query.interval.ms":      {least: 1000, most: 3_600_000},
	"fetch.error.backoff.ms":             {least: 10, most: 300_000},
	"fetch.min.bytes":                    {least: 1, most: 100_000_000},
	"fetch.wait.max.ms":                  {least: 10, most: 300_000},
	"group.protocol":                     {},
	"group.remote.assignor":              {},
	"heartbeat.interval.ms":              {least: 100, most: 3_600_000},
	"isolation.level":                    {},
	"max.poll.interval.ms":               {least: 1000, most: 86_400_000},
	"metadata.max.age.ms":                {least: 1000, most: 86_400_000},
	"partition.assignment.strategy":      {},
	"session.timeout.ms":                 {least: 1000, most: 3_600_000},
	"topic.metadata.refresh.interval.ms": {least: 1000, most: 3_600_000, never: true},
}

// bound is what a client may set a property to. With the least that librdkafka takes, 0 or 1 ms, a consumer would do
// nothing but ask the brokers; most is its own. A text has neither.
type bound struct {
	least, most int64
	never       bool // -1 turns it off
}

// longestText bounds the values of clients: Kafka's strings have a length of two bytes.
const longestText = 255

// refuses says why a value that librdkafka takes is out of bounds, or nothing.
func (b bound) refuses(value string) string {
	if len(value) > longestText {
		return fmt.Sprintf("it has %d bytes: at most %d are allowed", len(value), longestText)
	}
	if b.most == 0 {
		return ""
	}
	n, err := strconv.ParseInt(value, 0, 64) // as librdkafka reads it
	switch {
	case err == nil && (n >= b.least && n <= b.most || b.never && n == -1):
		return ""
	case b.never:
		return fmt.Sprintf("a client may set it to -1, or from %d to %d", b.least, b.most)
	}
	return fmt.Sprintf("a client may set it from %d to %d", b.least, b.most)
}

// beyond are the properties that a client may not even name, by the beginning of their names: they reach credentials,
// brokers, files, the memory of the process, C's regular expressions or another's group.
var beyond = []string{
	"bootstrap.servers", "test.mock.",
	"enable.ssl.", "https.", "oauthbearer", "sasl.", "security.", "ssl.", "ssl_",
	"offset.store.", "plugin.",
	"fetch.max.bytes", "fetch.message.max.bytes", "message.copy.max.bytes", "message.max.bytes",
	"queued.", "receive.message.max.bytes",
	"topic.blacklist",
	"group.id", "group.instance.id",
}

// isBeyond tells whether a client may not name the property.
func isBeyond(name string) bool {
	name = oneName(name)
	return slices.ContainsFunc(beyond, func(start string) bool { return strings.HasPrefix(name, start) })
}

// Nameable tells whether a client may name the property for its subscription: it is the client's to set, or has no effect.
func Nameable(name string) bool {
	_, may := overridable[oneName(name)]
	return may || !isBeyond(name) && librdkafka.KnowsProperty(name)
}

// OfClient are those of a client's properties that its subscription has, and the names of those that have no effect. It
// reports the first property that a client may not name, or sets wrongly.
func (p Properties) OfClient() (settable Properties, ignored []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		limits, may := overridable[oneName(name)]
		switch {
		case !may && Nameable(name):
			ignored = append(ignored, name)
			continue
		case !may:
			err = &OverrideError{name, cutValue(p[name]), whyNot(name, p[name])}
		default:
			if reason := wrongValue(name, p[name], limits); reason != "" {
				err = &OverrideError{name, cutValue(p[name]), reason}
			}
		}
		if err != nil {
			return nil, nil, err
		}
		if settable == nil {
			settable = Properties{}
		}
		settable[name] = p[name]
	}
	return settable, ignored, nil
}

// whyNot says why a client may not name a property. librdkafka is shown no value of a property that is not the client's:
// it would work on it.
func whyNot(name, value string) string {
	reason, owned := Forced(ForConsumers, name, value)
	switch {
	case owned:
		return reason
	case librdkafka.KnowsProperty(name):
		return operators
	}
	return "No such configuration property"
}

const operators = "it is the operator's to set, in sluice's configuration"

// WhyIgnored says why a property that a client may name has no effect.
func WhyIgnored(name string) string {
	if reason, owned := Forced(ForConsumers, name, ""); owned {
		return reason
	}
	return operators
}

// wrongValue says why a client may not set its own property to a value, or nothing.
func wrongValue(name, value string, limits bound) string {
	if len(value) <= longestText {
		if err := librdkafka.CheckProperty(name, value); err != nil {
			return reasonOf(err, name)
		}
	}
	return limits.refuses(value)
}

// cutValue is a client's value for an error.
func cutValue(value string) string {
	if len(value) > longestText {
		return value[:longestText] + "..."
	}
	return value
}

// OverrideError says why a client may not set a property to a value.
type OverrideError struct{ Name, Value, Reason string }

func (e *OverrideError) Error() string {
	if strings.HasPrefix(e.Name, "sasl.") || strings.HasPrefix(e.Name, "ssl.") {
		return fmt.Sprintf("%s: %s", e.Name, e.Reason) // its value may be a secret
	}
	return fmt.Sprintf("%s=%s: %s", e.Name, e.Value, e.Reason)
}

// reasonOf is librdkafka's sentence without the name that it ends with.
func reasonOf(err error, name string) string {
	var refused *librdkafka.PropertyError
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return strings.TrimSuffix(refused.Reason, fmt.Sprintf(": %q", name))
}
