package config

import (
	"slices"
	"strings"
	"testing"
)

func TestClientsSetOnlyWhatIsTheirs(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		ours        bool // refused as not the client's to set
	}{
		{"auto.offset.reset", "latest", false},
		{"isolation.level", "read_committed", false},
		{"group.instance.id", "a", true},
		{"group.id", "other", true},
		{"bootstrap.servers", "evil:9092", true},
		{"metadata.broker.list", "evil:9092", true},
		{"ssl.key.location", "/etc/shadow", true},
		{"sasl.oauthbearer.token.endpoint.url", "http://169.254.169.254", true},
		{"queued.max.messages.kbytes", "2097151", true},
		{"max.partition.fetch.bytes", "1000000000", true},
		{"receive.message.max.bytes", "1000000000", true},
		{"offset.store.path", "/etc/shadow", true},
		{"security.protocol", "plaintext", true},
		{"enable.ssl.certificate.verification", "false", true},
		{"sasl.mechanism", "PLAIN", true},
		{"test.mock.num.brokers", "3", true},
		{"client.id", "billing", false},
		{"fetch.max.bytes", "1000000000", true},
		{"topic.blacklist", "x", true},
		{"client.rack", strings.Repeat("r", 256), true},
		{"client.rack", strings.Repeat("r", 255), false},
		{"group.remote.assignor", strings.Repeat("r", 1<<20), true},
		{"fetch.wait.max.ms", "0", true},
		{"fetch.wait.max.ms", " 9", true},
		{"fetch.wait.max.ms", "0x9", true},
		{"fetch.wait.max.ms", "10", false},
		{"heartbeat.interval.ms", "1", true},
		{"session.timeout.ms", "1", true},
		{"max.poll.interval.ms", "999", true},
		{"metadata.max.age.ms", "1", true},
		{"topic.metadata.refresh.interval.ms", "10", true},
		{"topic.metadata.refresh.interval.ms", "-1", false},
		{"auto.commit.interval.ms", "0", true},
		{"coordinator.query.interval.ms", "1", true},
		{"fetch.error.backoff.ms", "0", true},
		{"fetch.min.bytes", "100000000", false},
	} {
		_, _, err := Properties{tt.name: tt.value}.OfClient()
		if (err != nil) != tt.ours {
			t.Errorf("%s=%s: %v", tt.name, tt.value, err)
		}
		if tt.ours && !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%q does not name %s", err, tt.name)
		}
	}
	for _, tt := range [][3]string{
		{"auto.offset.reset", "sometimes", `auto.offset.reset=sometimes: Invalid value "sometimes" for configuration property "auto.offset.reset"`},
		{"foo", "bar", `foo=bar: No such configuration property`},
		{"heartbeat.interval.ms", "1", `heartbeat.interval.ms=1: a client may set it from 100 to 3600000`},
		{"topic.metadata.refresh.interval.ms", "1", `topic.metadata.refresh.interval.ms=1: a client may set it to -1, or from 1000 to 3600000`},
		{"test.mock.num.brokers", "1", `test.mock.num.brokers=1: it is the operator's to set, in sluice's configuration`},
		{"sasl.password", "secret", `sasl.password: it is the operator's to set, in sluice's configuration`},
	} {
		if _, _, err := (Properties{tt[0]: tt[1]}).OfClient(); err == nil || err.Error() != tt[2] {
			t.Errorf("got %v, want %s", err, tt[2])
		}
	}
}

// librdkafka loads the library the moment the property is set: asking it whether the value is good
// would run a client's code.
func TestAClientCannotLoadALibrary(t *testing.T) {
	_, _, err := Properties{"plugin.library.paths": "/nowhere/evil.so"}.OfClient()
	if err == nil || strings.Contains(err.Error(), "dlopen") {
		t.Errorf("got %v", err)
	}
}

// People's files have these. They do no harm, and have no effect.
func TestWhatDoesNoHarmIsIgnored(t *testing.T) {
	harmless := []string{
		"acks", "api.version.request", "broker.address.family", "debug", "enable.auto.commit", "enable.auto.offset.store",
		"enable.idempotence", "enable.partition.eof", "linger.ms", "log.connection.close", "log_level", "max.in.flight",
		"reconnect.backoff.max.ms", "reconnect.backoff.ms", "socket.keepalive.enable", "socket.timeout.ms", "statistics.interval.ms",
	}
	p := Properties{"session.timeout.ms": "12345"}
	for _, name := range harmless {
		p[name] = strings.Repeat("no such value", 1000)
	}
	settable, ignored, err := p.OfClient()
	if err != nil || len(settable) != 1 || settable["session.timeout.ms"] != "12345" || !slices.Equal(ignored, harmless) {
		t.Errorf("%v; settable %v, ignored %v", err, settable, ignored)
	}
	for name, want := range map[string]string{
		"enable.auto.commit": "sluice commits what is acknowledged, at consume.commit_interval",
		"log_level":          "it is the operator's to set, in sluice's configuration",
	} {
		if got := WhyIgnored(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
