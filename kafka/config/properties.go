package config

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// forced are the properties that sluice sets itself in each client, and why. Names as in librdkafka's CONFIGURATION.md.
var forced = map[string]string{
	"bootstrap.servers":          "the brokers are sluice's setting kafka.brokers",
	"group.id":                   "the group is the first half of CLIENT SETNAME group:name",
	"enable.auto.offset.store":   "sluice stores an offset only when the record is acknowledged",
	"enable.auto.commit":         "sluice commits what is acknowledged, at consume.commit_interval",
	"enable.partition.eof":       "sluice commits the end of a partition that is read, whatever is behind its last record",
	"log.queue":                  "librdkafka's log lines go through sluice's own log",
	"enable.idempotence":         "without it retries reorder and duplicate records",
	"delivery.report.only.error": "sluice counts every delivery report",
	"plugin.library.paths":       "sluice does not load code into its process",
	"enabled_events":             "sluice chooses what librdkafka tells it",
	"transactional.id":           "sluice writes without transactions",
}

// forcedInConsumers are the properties that sluice sets itself in consumers alone, and why: consume.memory could not be
// kept with answers of any size.
var forcedInConsumers = map[string]string{
	"fetch.max.bytes":         fetchSizes,
	"fetch.message.max.bytes": fetchSizes,
	"message.max.bytes":       fetchSizes,
}

const fetchSizes = "sluice chooses how much consumers fetch at a time, so that consume.memory is kept"

// aliases are the properties that have two names in librdkafka ("Alias for" in its CONFIGURATION.md): the name that sluice
// does not use, and the one that it uses. librdkafka takes both, and the one that is set last wins.
var aliases = map[string]string{
	"compression.codec":         "compression.type",
	"delivery.timeout.ms":       "message.timeout.ms",
	"max.in.flight":             "max.in.flight.requests.per.connection",
	"max.partition.fetch.bytes": "fetch.message.max.bytes",
	"metadata.broker.list":      "bootstrap.servers",
	"queue.buffering.max.ms":    "linger.ms",
	"request.required.acks":     "acks",
	"retries":                   "message.send.max.retries",
	"sasl.mechanism":            "sasl.mechanisms",
}

// oneName is the name of a property that sluice uses.
func oneName(name string) string { return cmp.Or(aliases[name], name) }

// idempotent are the values that an idempotent producer may have. librdkafka would refuse others, and sluice does without them.
var idempotent = map[string]struct {
	fits   func(value string) bool
	reason string
}{
	"acks":                                  {func(v string) bool { return v == "all" || v == "-1" }, "sluice's producers wait for all replicas in sync: acks=all"},
	"max.in.flight.requests.per.connection": {between(1, 5), "brokers keep the order of at most 5 requests"},
	"message.send.max.retries":              {between(1, math.MaxInt32), "without retries a record would be lost when its partition moves"},
	"queuing.strategy":                      {func(v string) bool { return v == "fifo" }, "records keep their order"},
}

func between(least, most int64) func(string) bool {
	return func(value string) bool {
		n, err := strconv.ParseInt(value, 0, 64)     // as librdkafka reads it
		return err != nil || least <= n && n <= most // librdkafka says better what is wrong with what is no number
	}
}

// Section says which clients a set of properties is for.
type Section int

// The sections. What is for producers or consumers is above what is for all.
const (
	ForAll Section = iota
	ForProducers
	ForConsumers
)

// Forced tells whether sluice owns a property of these clients, or cannot use the value, and why.
func Forced(section Section, name, value string) (reason string, owned bool) {
	name = oneName(name)
	if reason, owned = forced[name]; owned {
		return reason, owned
	}
	if p, limited := idempotent[name]; limited && section != ForConsumers && !p.fits(value) {
		return p.reason, true
	}
	ofProducers := section == ForAll && name == "message.max.bytes" // they have it, too: it bounds their records
	if section == ForProducers || ofProducers {
		return "", false
	}
	reason, owned = forcedInConsumers[name]
	return reason, owned
}

// Validate reports the first property, by name, that librdkafka does not know or whose value it
// refuses. It does not look at what sluice forces: see Forced.
func (p Properties) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if err := librdkafka.CheckProperty(name, p[name]); err != nil {
			return err
		}
		if other := oneName(name); other != name && p[other] != "" {
			return &librdkafka.PropertyError{Name: name, Reason: fmt.Sprintf("librdkafka's other name of %s, which is set as well: leave one out", other)}
		}
	}
	return nil
}

// Merge lays the sets over one another, later ones above earlier ones. The merged set has one name of each property.
func Merge(sets ...Properties) Properties {
	all := Properties{}
	for _, set := range sets {
		for name, value := range set {
			all[oneName(name)] = value
		}
	}
	return all
}

// clientDefaults are sluice's defaults for every librdkafka client of the process.
var clientDefaults = Properties{
	"client.id":           "sluice",
	"enable.metrics.push": "false",
	// A broker that is away is tried again soon: sluice's own callers are waiting.
	"reconnect.backoff.ms":     "50",
	"reconnect.backoff.max.ms": "1000",
}

// written lays what the operator wrote over sluice's defaults: for every client, then for clients of one kind, and so on.
// What somebody wrote is above every default, in whichever section.
func (c *Config) written(defaults Properties, sections ...Properties) Properties {
	return Merge(clientDefaults, defaults, c.Properties, Merge(sections...))
}

// AdminProperties are the effective properties of a client that only asks, with its own defaults.
func (c *Config) AdminProperties(defaults Properties) Properties {
	return Merge(c.written(defaults), c.Connection())
}

// Connection is what no configuration overrides.
func (c *Config) Connection() Properties {
	return Properties{"bootstrap.servers": strings.Join(c.Brokers, ",")}
}

// ProducerProperties are the effective properties of a profile.
func (c *Config) ProducerProperties(profile string) Properties {
	defaults := Properties{
		"acks":             "all",
		"compression.type": "lz4",
		"partitioner":      "murmur2_random",
		// Nobody waits for them, and records that time out make librdkafka number the others anew: those that were sent
		// and not answered may be written twice then.
		"message.timeout.ms": "300000",
		// A broker that waits for replicas reads nothing else of the connection, which all topics that it leads share.
		"request.timeout.ms": "2000",
		// A broker that is silent is left for another: what is asked of it meanwhile, such as where a topic is, waits so long.
		"socket.timeout.ms":                  "5000",
		"topic.metadata.propagation.max.ms":  "5000",
		"topic.metadata.refresh.interval.ms": "10000",
		"queue.buffering.max.messages":       "100000",
		"queue.buffering.max.kbytes":         "131072",
		"statistics.interval.ms":             "10000", // for Status
		// Brokers that refuse a batch would refuse a second one to its partition as out of order. librdkafka then numbers
		// all partitions' records anew, and brokers write again what they have and did not answer.
		"max.in.flight.requests.per.connection": "1",
		// What follows a refused batch to its partition waits for it.
		"retry.backoff.ms": "20",
		// What brokers take by default (message.max.bytes of a broker): librdkafka's default would refuse smaller records.
		"message.max.bytes": "1048588",
		// Longer than an answer of the brokers takes: an idempotent producer sends nothing more to a
		// partition until it has come, and librdkafka spins while records wait that have lingered.
		"linger.ms": "10",
	}
	if profile == Delivered {
		defaults["linger.ms"] = "0"
		// Without lingering librdkafka would choose a partition for each record: what clients pipeline
		// would go out in as many requests as there are partitions.
		defaults["sticky.partitioning.linger.ms"] = "10"
		// Shorter than the client's patience, so that the true outcome arrives before it ends.
		defaults["message.timeout.ms"] = "28000"
	}
	return Merge(c.written(defaults, c.Producer, c.Profiles[profile]), c.Connection(),
		Properties{"enable.idempotence": "true"})
}

// LargestRecord is how many bytes a record may have, key and headers included, so that a producer takes it.
func (c *Config) LargestRecord() int {
	largest := 0
	for _, profile := range []string{Delivered, Buffered} {
		n, _ := strconv.Atoi(c.ProducerProperties(profile)["message.max.bytes"]) // librdkafka has checked it
		largest = max(largest, n)
	}
	return largest
}

// SubscriptionProperties are consumerProperties with what must differ between the subscriptions of
// one proxy: Kafka takes two consumers of one group.instance.id for the same one.
func (c *Config) SubscriptionProperties(key, group string, overrides Properties, open int) Properties {
	p := c.ConsumerProperties(group, overrides, open)
	if id := p["group.instance.id"]; id != "" {
		p["group.instance.id"] = fmt.Sprintf("%s-%08x", id, crc32.ChecksumIEEE([]byte(key)))
	}
	return p
}

// fetching bounds what librdkafka holds of each partition: the records it keeps ready, and what one
// answer may bring on top. It unpacks whole answers, and the bytes are those of the compressed batches;
// a record that is larger comes all the same. With few consumers there is room for the throughput of
// larger answers, with fifty there is not: open counts those that there are already.
//
// A partition of which enough is held is looked at again after the backoff, which wakes a thread of that consumer. Few
// consumers are looked after closely, as a backoff may bring no more records of a partition than are kept ready; of many,
// each has less to do.
func fetching(open int) (defaults, sizes Properties) {
	const kibi = 1 << 10
	share := func(total, least, most int) int { return min(most, max(least, total/(open+1))) }
	bytes := share(256*kibi, 16*kibi, 64*kibi)
	defaults = Properties{
		"queued.min.messages":    fmt.Sprint(share(6000, 1000, 3000)),
		"fetch.queue.backoff.ms": fmt.Sprint(min(100, max(20, 10*(open-4)))),
	}
	return defaults, Properties{
		"fetch.message.max.bytes": fmt.Sprint(bytes),
		"fetch.max.bytes":         fmt.Sprint(8 * bytes),
		"message.max.bytes":       fmt.Sprint(bytes), // librdkafka raises fetch.max.bytes to it
	}
}

// ConsumerProperties are the effective properties of a group's consumer.
func (c *Config) ConsumerProperties(group string, overrides Properties, open int) Properties {
	fetch, sizes := fetching(open)
	p := Merge(c.written(Merge(fetch, Properties{
		"auto.offset.reset":                  "earliest",
		"auto.commit.interval.ms":            fmt.Sprint(c.Consume.CommitInterval.Milliseconds()),
		"queued.max.messages.kbytes":         "1024",
		"topic.metadata.refresh.interval.ms": "4000",
	}), c.Consumer, overrides), c.Connection(), sizes, Properties{
		"group.id":                 group,
		"enable.auto.offset.store": "false",
		"enable.auto.commit":       "false",
		"enable.partition.eof":     "true",
	})
	if p["group.protocol"] != "consumer" {
		return Merge(classicGroup, p)
	}
	return p
}

// classicGroup holds defaults that librdkafka refuses for KIP-848 groups, where the brokers decide.
var classicGroup = Properties{
	"partition.assignment.strategy": "cooperative-sticky",
	// How long the partitions of a proxy that died wait for another: librdkafka's 45 s are for
	// consumers that forget to poll.
	"session.timeout.ms": "10000",
	// How soon a member hears that others have left or come: that long their partitions stand still. librdkafka
	// looks every half a second whether one is due. It costs the coordinator two small requests a second.
	"heartbeat.interval.ms": "400",
}
