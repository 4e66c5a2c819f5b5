package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

// write puts a file into a fresh folder and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read applies a configuration file's text to the defaults.
func read(content string) (*Config, error) {
	cfg := Default()
	return cfg, newReading().readYAML("sluice.yaml", []byte(content), cfg.settings())
}

// ptr returns the value of a flag that was given.
func ptr(text string) *string { return &text }

func TestEveryMistakeIsNamedWithItsPlace(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"kafka:\n  brokerz: [a]\n", `sluice.yaml:2:3: unknown key "brokerz" under kafka (did you mean "brokers"?)`},
		{"kafak: {}\n", `sluice.yaml:1:1: unknown key "kafak" (did you mean "kafka"?)`},
		{"resp:\n  queue_timeout: 5s\n", `sluice.yaml:2:3: unknown key "queue_timeout" under resp (did you mean produce.queue_timeout?)`},
		{"address: x\n", `sluice.yaml:1:1: unknown key "address" (did you mean http.address or management.address or resp.address?)`},
		{"kafka.brokers: x\n", `sluice.yaml:1:1: unknown key "kafka.brokers": sections are nested, with a colon after each`},
		{"completely: different\n", `sluice.yaml:1:1: unknown key "completely"`},
		{"resp:\n  listeners:\n    Typed: {}\n", `sluice.yaml:3:5: resp.listeners: "Typed" is no name for a listener: 1 to 32 of a-z, 0-9 and -, beginning with a letter`},
		{"resp:\n  listeners:\n    http: {}\n", `sluice.yaml:3:5: resp.listeners: "http" is the name of a door; choose another for the listener`},
		{"resp: {listeners: {a: {shape: pair}}}\n", `sluice.yaml:1:24: unknown key "shape" in resp.listeners.a: there are ack, ack_timeout, address, reply`},
		{"resp: {listeners: {a: {reply: xml}}}\n", `sluice.yaml:1:31: resp.listeners.a.reply: "xml" is not one of rafka, strings, pair, full`},
		{"resp:\n  max_clients: 0\n", `sluice.yaml:2:16: resp.max_clients: 0 is less than 1`},
		{"resp:\n  max_clients: many\n", `sluice.yaml:2:16: resp.max_clients: "many" is not a whole number`},
		{"users:\n  password: \"\"\n", `sluice.yaml:2:13: users.password: is empty; leave the key out to have none`},
		{"users:\n  password:\n", `sluice.yaml:2:13: users.password: has no value`},
		{"resp: {address: [a]}\n", `sluice.yaml:1:17: resp.address: needs a single value, not a list`},
		{"resp:\n  limits:\n    bulk: 1 megabyte\n", `sluice.yaml:3:11: resp.limits.bulk: "1 megabyte" is not a size such as 65536, 64KiB or 16MiB`},
		{"resp:\n  limits:\n    bulk: 1GiB\n", `sluice.yaml:3:11: resp.limits.bulk: 1GiB is more than 512MiB`},
		{"resp:\n  limits:\n    bulk: 9999999999GiB\n", `sluice.yaml:3:11: resp.limits.bulk: "9999999999GiB" is not a size such as 65536, 64KiB or 16MiB`},
		{"resp:\n  limits:\n    output: -1\n", `sluice.yaml:3:13: resp.limits.output: -1 bytes is less than 16KiB`},
		{"drain_grace: 5\n", `sluice.yaml:1:14: drain_grace: "5" is not a duration such as 500ms, 30s or 5m`},
		{"consume: {member_grace: 0s}\n", `sluice.yaml:1:25: consume.member_grace: 0s is less than 1ms`},
		{"produce: 5s\n", `sluice.yaml:1:10: produce: needs keys below it, not "5s"`},
		{"produce: [in_flight]\n", `sluice.yaml:1:10: produce: needs keys below it, not a list`},
		{"insecure: maybe\n", `sluice.yaml:1:11: insecure: "maybe" is neither true nor false`},
		{"log: {level: loud}\n", `sluice.yaml:1:14: log.level: "loud" is not one of debug, info, warn, error`},
		{"log: {format: xml}\n", `sluice.yaml:1:15: log.format: "xml" is not one of text, json`},
		{"http: {access_log: 2}\n", `sluice.yaml:1:20: http.access_log: "2" is not a number from 0 to 1`},
		{"http: {trusted_proxies: [10.0.0.1, 10.0.0.1/8]}\n", `sluice.yaml:1:36: http.trusted_proxies: "10.0.0.1/8" is neither an IP address nor a network such as 10.0.0.0/8`},
		{"http: {kept_headers: [X-Event, X Event]}\n", `sluice.yaml:1:32: http.kept_headers: "X Event" is not the name of a header`},
		{"http: {kept_headers: [X-Event, \"\"]}\n", `sluice.yaml:1:32: http.kept_headers: "" is not the name of a header`},
		{"http: {kept_headers: [authorization]}\n", `sluice.yaml:1:23: http.kept_headers: "authorization" has a secret of the sender, which must not get into a topic; choose another header`},
		{"http: {kept_headers: [Proxy-Authorization]}\n", `sluice.yaml:1:23: http.kept_headers: "Proxy-Authorization" has a secret of the sender, which must not get into a topic; choose another header`},
		{"http: {kept_headers: [Host]}\n", `sluice.yaml:1:23: http.kept_headers: "Host" belongs to the connection and cannot be kept; choose another header`},
		{"http: {kept_headers: \"X-Event,Cookie\"}\n", `sluice.yaml:1:22: http.kept_headers: "Cookie" has a secret of the sender, which must not get into a topic; choose another header`},
		{"http: {base_uri: kafka.example}\n", `sluice.yaml:1:18: http.base_uri: "kafka.example" is not a URL such as https://kafka.example/rest`},
		{"http: {base_uri: \"https://u:p@kafka.example\"}\n", `sluice.yaml:1:18: http.base_uri: "https://u:p@kafka.example" is not a URL such as https://kafka.example/rest`},
		{"kafka:\n  brokers: [a, \"b:99999\"]\n", `sluice.yaml:2:16: kafka.brokers: "b:99999": 99999 is not a port`},
		{"kafka: {brokers: [\"a:1\", b: 2]}\n", `sluice.yaml:1:26: kafka.brokers: needs a single value, not a map`},
		{"kafka:\n  brokers: [{b: 2}]\n", `sluice.yaml:2:13: kafka.brokers: needs a single value, not a map`},
		{"kafka:\n  brokers: \"a,,b\"\n", `sluice.yaml:2:12: kafka.brokers: "" is not an address such as kafka1:9092`},
		{"kafka:\n  properties: [x]\n", `sluice.yaml:2:15: kafka.properties: needs keys below it, not a list`},
		{
			"kafka:\n  properties:\n    linger.m: 5\n",
			`sluice.yaml:3:15: kafka.properties.linger.m: No such configuration property: "linger.m"`,
		},
		{
			"kafka:\n  producer:\n    linger.ms: -1\n",
			`sluice.yaml:3:16: kafka.producer.linger.ms: "-1": Configuration property "queue.buffering.max.ms" value -1 is outside allowed range 0..900000`,
		},
		{
			"kafka:\n  consumer: {session.timeout.ms: [1]}\n",
			`sluice.yaml:2:34: kafka.consumer.session.timeout.ms: needs a single value, not a list`,
		},
		{
			"kafka:\n  profiles:\n    Big One: {}\n",
			`sluice.yaml:3:5: kafka.profiles: there is no profile "Big One": only delivered and buffered`,
		},
		{
			"kafka:\n  profiles:\n    buffered: {compression.type: zip}\n",
			`sluice.yaml:3:34: kafka.profiles.buffered.compression.type: Invalid value "zip" for configuration property "compression.codec"`,
		},
		{"state_dir: &x /tmp\n", `sluice.yaml:1:12: state_dir: needs a single value, not an anchor, an alias or a tag`},
		{"- a\n", `sluice.yaml:1:1: the file: needs keys below it, not a list`},
		{"insecure: true\n---\ninsecure: true\n", `sluice.yaml:3:1: a second document; a configuration is one`},
		{"insecure: true\ninsecure: true\n", `sluice.yaml:2:1: mapping key "insecure" already defined at [1:1]`},
		{"log: {level: info\n", `sluice.yaml:1:6: could not find flow mapping end token '}'`},
	} {
		_, err := read(test.content)
		if err == nil {
			t.Errorf("%q: accepted", test.content)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.content, diff)
		}
	}
}

// In braces the parser takes a colon for that of a map.
func TestFlowStyleIsYAMLToo(t *testing.T) {
	for _, content := range []string{
		"kafka: {brokers: [kafka1:9092, \"kafka2\",ssl://kafka3:9093]}\n",
		"{kafka: {brokers: [kafka1:9092,kafka2, ssl://kafka3:9093]}}\n",
		"kafka:\n  brokers: [kafka1:9092,\n    kafka2, ssl://kafka3:9093]\n",
		"kafka: {brokers: 'kafka1:9092,kafka2,ssl://kafka3:9093'}\n",
	} {
		cfg, err := read(content)
		if diff := cmp.Diff([]string{"kafka1:9092", "kafka2", "ssl://kafka3:9093"}, cfg.Kafka.Brokers); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", content, err, diff)
		}
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := read("insecure: 1\nlog:\n  level: 2\nnonsense: 3\n")
	want := `sluice.yaml:1:11: insecure: "1" is neither true nor false
sluice.yaml:3:10: log.level: "2" is not one of debug, info, warn, error
sluice.yaml:4:1: unknown key "nonsense"`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
}

func TestPropertiesThatSluiceOwnsAreIgnoredWithAWarning(t *testing.T) {
	for _, test := range []struct{ section, property, reason string }{
		{"properties", "group.id: x", "the group is the first half of CLIENT SETNAME group:name"},
		{"properties", "enable.auto.offset.store: true", "sluice stores an offset only when the record is acknowledged"},
		{"properties", "bootstrap.servers: x", "the brokers are sluice's setting kafka.brokers"},
		{"producer", "go.delivery.reports: true", "it configures the Go binding, not librdkafka"},
		{"producer", "acks: 1", "sluice's producers wait for all replicas in sync: acks=all"},
		{"properties", "request.required.acks: 0", "sluice's producers wait for all replicas in sync: acks=all"},
		{"producer", "retries: 0", "without retries a record would be lost when its partition moves"},
		{"producer", "max.in.flight: 10", "brokers keep the order of at most 5 requests"},
		{"consumer", "max.partition.fetch.bytes: 1048576", "sluice chooses how much consumers fetch at a time, so that consume.memory is kept"},
		{"consumer", "message.max.bytes: 1048576", "sluice chooses how much consumers fetch at a time, so that consume.memory is kept"},
		{"properties", "fetch.max.bytes: 1048576", "sluice chooses how much consumers fetch at a time, so that consume.memory is kept"},
	} {
		cfg, files := Default(), newReading()
		err := files.readYAML("sluice.yaml", []byte("kafka:\n  "+test.section+": {"+test.property+"}\n"), cfg.settings())
		name, _, _ := strings.Cut(test.property, ":")
		place := fmt.Sprintf("sluice.yaml:2:%d", len("  : {")+len(test.section)+1)
		want := []Warning{ignoredProperty(place, "kafka."+test.section+"."+name, test.reason)}
		if diff := cmp.Diff(want, files.warnings); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.property, err, diff)
		}
		if len(cfg.Kafka.Properties)+len(cfg.Kafka.Producer)+len(cfg.Kafka.Consumer) > 0 {
			t.Errorf("%s was taken", test.property)
		}
	}
}

// What fits is taken: sluice's defaults differ.
func TestPropertiesThatFitAnIdempotentProducerAreTaken(t *testing.T) {
	cfg, err := read("kafka:\n  producer: {acks: -1, retries: 7, max.in.flight: 5}\n  properties: {message.max.bytes: 2000000}\n")
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Kafka.ProducerProperties(kafka.Delivered)
	if p["acks"] != "-1" || p["message.send.max.retries"] != "7" || p["max.in.flight.requests.per.connection"] != "5" || p["message.max.bytes"] != "2000000" {
		t.Errorf("%v", p)
	}
}

func TestASecretPropertyIsNotShownInItsError(t *testing.T) {
	_, err := read("kafka:\n  properties:\n    ssl.key.pem: hunter2\n    sasl.mechanisms: [hunter2]\n")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
}

func TestValuesArriveInTheirUnits(t *testing.T) {
	cfg, err := read(`
resp: {address: "127.0.0.1:7000", max_clients: 5, write_timeout: 1s, command_timeout: 2m, auth_timeout: 3s, ack_timeout: 1500ms,
  limits: {args: 1, bulk: 2KiB, command: 3 MiB, inline: 100B, output: 1MB}}
users: {password: 007}
http: {address: "", ack_timeout: 3s}
management: {max_topic_rows: 7}
drain_grace: 1ms
produce: {ack_timeout: 2s, queue_timeout: 1s, in_flight: 5, max_topics: 6}
consume: {member_grace: 1m, linger: 2s, window_bytes: 1048576}
kafka:
  brokers: "a:1, b"
  properties: {session.timeout.ms: 6000, socket.keepalive.enable: true, client.id: x}
  consumer: # nothing yet
  profiles: {buffered: {linger.ms: 50}, delivered: {}}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.RESP.Address, want.Users.Password = "127.0.0.1:7000", Secret{"007"}
	want.HTTP.Address = ""
	door := &want.RESP.Options
	door.MaxClients, door.OutputLimit = 5, 1_000_000
	door.Limits.Args, door.Limits.Bulk, door.Limits.Command, door.Limits.Inline = 1, 2048, 3<<20, 100
	door.WriteTimeout, door.CommandTimeout, door.AuthTimeout = time.Second, 2*time.Minute, 3*time.Second
	door.DrainGrace, door.QueueTimeout = time.Millisecond, time.Second
	want.AckTimeout, door.AckTimeout, want.HTTP.Options.AckTimeout = 2*time.Second, 1500*time.Millisecond, 3*time.Second
	want.Kafka.Consume.MemberGrace, want.Kafka.Consume.Linger = time.Minute, 2*time.Second
	want.Kafka.Brokers = []string{"a:1", "b"}
	want.Kafka.Properties = kafka.Properties{"session.timeout.ms": "6000", "socket.keepalive.enable": "true", "client.id": "x"}
	want.Kafka.Consumer = kafka.Properties{}
	want.Kafka.Profiles = map[string]kafka.Properties{"buffered": {"linger.ms": "50"}}
	want.Kafka.Consume.WindowBytes = 1 << 20
	want.Kafka.Produce.InFlight, want.Kafka.Produce.MaxTopics, want.Kafka.MaxTopicRows = 5, 6, 7
	if diff := cmp.Diff(want, cfg, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "resp:\nlog: {}\n"} {
		cfg, err := read(content)
		if err != nil {
			t.Errorf("%q: %v", content, err)
		}
		if diff := cmp.Diff(Default(), cfg, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("%q: %s", content, diff)
		}
	}
}

// The sample in docs names every key, with its default or an example.
func TestTheSampleIsCompleteAndValid(t *testing.T) {
	const path = "../../../docs/sluice.yaml"
	cfg := Default()
	if err := newReading().loadYAML(path, cfg.settings()); err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Kafka.Brokers = []string{"kafka1:9092", "kafka2:9092"}
	want.Kafka.Profiles = map[string]kafka.Properties{}
	empty := cmp.Transformer("empty", func(p kafka.Properties) string { return fmt.Sprint(map[string]string(p)) })
	if diff := cmp.Diff(want, cfg, cmp.AllowUnexported(Secret{}), empty); diff != "" {
		t.Errorf("the sample differs from the defaults (-want +got):\n%s", diff)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.settings() {
		key := s.name[strings.LastIndexByte(s.name, '.')+1:]
		if !strings.Contains(string(content), key+":") {
			t.Errorf("%s is missing from the sample", s.name)
		}
	}
}

func TestFlagsGoAboveTheirFilesAndThoseAboveDefaults(t *testing.T) {
	file := write(t, "sluice.yaml", `
resp: {address: "127.0.0.1:1"}
http: {address: "127.0.0.1:2"}
log: {level: debug}
kafka: {brokers: [from-file], properties: {client.id: file, socket.timeout.ms: 10000}}
`)
	rafka := write(t, "librdkafka.json", `{"general": {"bootstrap.servers": "from-json", "client.id": "json"}}`)
	flags := Flags{Config: file, Librdkafka: rafka, Resp: ptr("127.0.0.1:3")}
	cfg, warnings, err := flags.Load()
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	got := []any{cfg.RESP.Address, cfg.HTTP.Address, cfg.Management.Address, cfg.Log.Level.String(), cfg.Kafka.Brokers[0], cfg.Kafka.Properties["client.id"], cfg.Kafka.Properties["socket.timeout.ms"]}
	want := []any{"127.0.0.1:3", "127.0.0.1:2", "127.0.0.1:9380", "DEBUG", "from-json", "json", "10000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	flags.Brokers = ptr("from-flag")
	if cfg, _, err = flags.Load(); err != nil || cfg.Kafka.Brokers[0] != "from-flag" {
		t.Errorf("%v, %v", cfg.Kafka.Brokers, err)
	}
}

func TestThePasswordFile(t *testing.T) {
	load := func(yaml string) (*Config, error) {
		flags := Flags{Config: write(t, "sluice.yaml", yaml)}
		cfg, _, err := flags.Load()
		return cfg, err
	}
	cfg, err := load("users: {password_file: '" + write(t, "secret", " hunter2 \r\n") + "'}\n")
	if err != nil || cfg.Users.Password.Reveal() != " hunter2 " {
		t.Fatalf("password %q, %v", cfg.Users.Password.Reveal(), err)
	}
	empty := write(t, "secret", "\n")
	for yaml, want := range map[string]string{
		"users: {password_file: '" + empty + "'}\n":              "users.password_file: " + empty + " is empty",
		"users: {password_file: '" + empty + "', password: x}\n": "users.password_file: users.password is given too; keep one",
		"users: {password_file: /no/such}\n":                     "users.password_file: open /no/such: no such file or directory",
	} {
		_, err := load(yaml)
		var bad Error
		if !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", yaml, err, want)
		}
	}
}

// A value that the producers take passes the Redis door, too.
func TestADoorWithoutAnAckTimeoutHasTheCommonOne(t *testing.T) {
	for content, want := range map[string][2]time.Duration{
		"":                             {30 * time.Second, 30 * time.Second},
		"produce: {ack_timeout: 4s}\n": {4 * time.Second, 4 * time.Second},
		"resp: {ack_timeout: 2s}\n":    {2 * time.Second, 30 * time.Second},
		"resp: {ack_timeout: 30s}\nhttp: {ack_timeout: 7s}\nproduce: {ack_timeout: 4s}\n": {30 * time.Second, 7 * time.Second},
	} {
		flags := &Flags{Config: write(t, "sluice.yaml", content)}
		cfg, _, err := flags.Load()
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]time.Duration{cfg.RESP.Options.AckTimeout, cfg.HTTP.Options.AckTimeout}; got != want {
			t.Errorf("%q: %v, want %v", content, got, want)
		}
	}
}

func TestLimitsFollowEachOther(t *testing.T) {
	for content, want := range map[string][3]int{
		"": {1_048_588, 4 << 20, 65536},
		"kafka: {properties: {message.max.bytes: 2000000}}\n":                              {2_000_000, 4 << 20, 65536},
		"kafka: {producer: {message.max.bytes: 10485760}}\n":                               {10_485_760, 13_107_200, 204_800},
		"kafka: {profiles: {buffered: {message.max.bytes: 20000000}}}\n":                   {20_000_000, 25_000_000, 390_625},
		"resp: {limits: {bulk: 1KiB}}\nkafka: {producer: {message.max.bytes: 10485760}}\n": {1024, 4 << 20, 65536},
		"resp: {limits: {bulk: 1MiB, command: 2MiB, args: 7}}\n":                           {1 << 20, 2 << 20, 7},
		"resp: {limits: {command: 64MiB}}\n":                                               {1_048_588, 64 << 20, 1 << 20},
	} {
		flags := &Flags{Config: write(t, "sluice.yaml", content)}
		cfg, _, err := flags.Load()
		if err != nil {
			t.Fatal(err)
		}
		limits := cfg.RESP.Options.Limits
		if got := [3]int{limits.Bulk, limits.Command, limits.Args}; got != want {
			t.Errorf("%q: %v, want %v", content, got, want)
		}
	}
}
