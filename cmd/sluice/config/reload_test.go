package config

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/management"
	"github.com/sluice-proxy/sluice/test/harness"
)

// started returns the flags and the configuration of a running sluice.
func started(t *testing.T, yaml string) (*Flags, *Config) {
	t.Helper()
	flags := &Flags{Config: write(t, "sluice.yaml", yaml)}
	cfg, _, err := flags.Load()
	if err != nil {
		t.Fatal(err)
	}
	return flags, cfg
}

// rewrite replaces the content of a file.
func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAReloadNamesWhatChangesAndWhatWaits(t *testing.T) {
	flags, running := started(t, "kafka: {brokers: [a]}\nresp: {address: '127.0.0.1:1', max_clients: 5}\n")
	flags.LogFormat = ptr("json") // above the file, before and after
	running.Log.Format = "json"
	rewrite(t, flags.Config, `
kafka: {brokers: [a, b], producer: {linger.ms: 5}, consumer: {}, profiles: {buffered: {linger.ms: 50}}}
resp: {address: "127.0.0.1:2", max_clients: 6, limits: {bulk: 8MiB, command: 4MiB}}
users: {password: hunter2}
log: {level: debug, format: text}
consume: {member_grace: 7s}
`)
	r, err := flags.Reload(running)
	if err != nil {
		t.Fatal(err)
	}
	want := management.Reloaded{
		Changed: []string{
			"resp.max_clients", "resp.limits.bulk", "users.password", "log.level", "consume.member_grace", "kafka.producer", "kafka.profiles",
		},
		Restart:  []string{"resp.address", "kafka.brokers"},
		Warnings: []string{"resp.limits.bulk is above resp.limits.command, which therefore decides, bulk: 8388608, command: 4194304"},
	}
	if diff := cmp.Diff(want, r.Report()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := []any{r.Config.RESP.Address, r.Config.Kafka.Brokers, r.Config.RESP.Options.MaxClients, r.Config.Log, r.Config.Kafka.Consume.MemberGrace}
	runs := []any{"127.0.0.1:1", []string{"a"}, 6, logging.Config{Level: slog.LevelDebug, Format: "json"}, 7 * time.Second}
	if diff := cmp.Diff(runs, got); diff != "" {
		t.Errorf("to run with (-want +got):\n%s", diff)
	}
	if running.RESP.Options.MaxClients != 5 || running.Log.Level != slog.LevelInfo {
		t.Error("the running configuration was touched")
	}

	again, err := flags.Reload(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	want = management.Reloaded{Restart: want.Restart, Warnings: want.Warnings}
	if diff := cmp.Diff(want, again.Report()); diff != "" {
		t.Errorf("the same file again (-want +got):\n%s", diff)
	}
}

// otherwise returns the text of a file that gives a setting another value than its default.
func otherwise(s setting) string {
	value, found := map[string]string{
		"insecure": "true", "management.pprof": "true", "log.level": "debug", "log.format": "json",
		"kafka.properties": "{client.id: x}", "kafka.producer": "{linger.ms: 1}", "kafka.consumer": "{check.crcs: true}",
		"kafka.profiles": "{buffered: {linger.ms: 1}}", "kafka.brokers": "[x]", "management.hosts": "[x]", "state_dir": "/x", "users.password": "x",
		"users.password_file": "/x", "resp.address": "127.0.0.1:1", "http.address": "127.0.0.1:1", "management.address": "127.0.0.1:1",
		"management.control": "/x", "resp.limits.output": "77KiB", "consume.memory": "77MiB", "consume.stall_after": "77s",
		"http.base_uri": "https://x/y/", "http.trusted_proxies": "[10.0.0.0/8, \"::1\"]", "http.access_log": "0.5", "http.h2c": "true", "http.v2_exact_commits": "true",
		"http.v2_bridge_answers": "true", "http.kept_headers": "[X-Event]", "http.delete_topics": "true", "resp.listeners": "{x: {reply: pair}}",
		"groups": "{x: {topics: {y: {backoff: 2s}}}}",
	}[s.name]
	switch {
	case !found && strings.HasPrefix(s.kind.accepts, "duration"):
		value = "7777ms"
	case !found:
		value = "77"
	}
	return nest(s.name, value)
}

// Every setting is compared. Without comparison a changed one would never be applied.
func TestEverySettingIsCompared(t *testing.T) {
	for _, s := range Default().settings() {
		cfg, err := read(otherwise(s))
		if err != nil {
			t.Errorf("%s: %v", otherwise(s), err)
			continue
		}
		want := []change{{s.name, s.takes}}
		if diff := cmp.Diff(want, compare(Default(), cfg), cmp.AllowUnexported(change{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", otherwise(s), diff)
		}
		r := &Reload{Config: cfg, running: Default(), changes: want}
		r.Postpone([]string{s.name})
		if changes := compare(Default(), cfg); len(changes) > 0 {
			t.Errorf("%s was not taken back: %v", s.name, changes)
		}
	}
}

// kafka.Client changes the settings that the table says change while sluice runs.
func TestKafkaTakesWhatTheSettingsPromise(t *testing.T) {
	running := Default()
	address, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	running.Kafka.Brokers = []string{address}
	client, err := kafka.Open(running.Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	for _, s := range running.settings() {
		next, err := read("kafka: {brokers: '" + running.Kafka.Brokers[0] + "'}\n")
		if err == nil {
			err = newReading().readYAML("sluice.yaml", []byte(otherwise(s)), next.settings())
		}
		if err != nil {
			t.Fatal(err)
		}
		var waits []string
		for _, change := range compare(running, next) {
			if change.takes == atRestart && strings.HasPrefix(s.name, "kafka.") {
				waits = append(waits, change.key)
			}
		}
		unchanged, err := client.Reconfigure(next.Kafka)
		if diff := cmp.Diff(waits, unchanged); err != nil || diff != "" {
			t.Errorf("%s: %v (-promised +kafka's):\n%s", s.name, err, diff)
		}
		if _, err := client.Reconfigure(running.Kafka); err != nil {
			t.Errorf("back from %s: %v", s.name, err)
		}
	}
}

func TestNothingChangesWithoutAChange(t *testing.T) {
	flags, running := started(t, "kafka: {brokers: [a], properties: {client.id: x}, profiles: {delivered: {}}}\n")
	r, err := flags.Reload(running)
	if err != nil || len(r.changes) > 0 {
		t.Errorf("%v, %v", r.changes, err)
	}
}

func TestABadFileIsNoReload(t *testing.T) {
	flags, running := started(t, "kafka: {brokers: [a]}\n")
	rewrite(t, flags.Config, "kafka: {brokers: [b]}\nresp: {max_clients: many, port: 1}\n")
	r, err := flags.Reload(running)
	var bad Error
	want := flags.Config + ":2:21: resp.max_clients: \"many\" is not a whole number\n" + flags.Config + `:2:27: unknown key "port" under resp`
	if r != nil || !errors.As(err, &bad) || err.Error() != want {
		t.Errorf("%v, %v\nwant %s", r, err, want)
	}
	for content, want := range map[string]string{
		"":                        ErrNoBrokers.Error(),
		"resp: {address: ':1'}\n": "resp.address: :1 can be reached",
		"kafka: {brokers: [a]}\nusers: {password_file: /no/such}\n": "users.password_file: open /no/such: no such file",
	} {
		rewrite(t, flags.Config, content)
		if r, err := flags.Reload(running); r != nil || !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, %v", content, r, err)
		}
	}
	if err := os.Remove(flags.Config); err != nil {
		t.Fatal(err)
	}
	if _, err := flags.Reload(running); !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "--config: open ") {
		t.Errorf("a file that is gone: %v", err)
	}
}

func TestWithoutAFileThereIsNothingToReload(t *testing.T) {
	flags := &Flags{Brokers: ptr("a")}
	if _, err := flags.Reload(Default()); !errors.Is(err, errNothingToReload) {
		t.Error(err)
	}
}

// A file that is empty, or only half written, opens no door.
func TestAReloadTakesNoPasswordAway(t *testing.T) {
	flags, running := started(t, "kafka: {brokers: [a]}\nusers: {password: hunter2}\n")
	flags.Brokers = ptr("a")
	for _, content := range []string{"", "\n", "kafka: {brokers: [a]}\n", "kafka: {brokers: [a]}\nusers:\n"} {
		rewrite(t, flags.Config, content)
		if _, err := flags.Reload(running); err == nil || err.Error() != errOpens.Error() {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestAPasswordFileIsReadAgain(t *testing.T) {
	secret := write(t, "secret", "old\n")
	flags, running := started(t, "kafka: {brokers: [a]}\nusers: {password_file: '"+secret+"'}\n")
	rewrite(t, secret, "new\n")
	r, err := flags.Reload(running)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(management.Reloaded{Changed: []string{"users.password_file"}}, r.Report()); diff != "" {
		t.Error(diff)
	}
	if r.Config.Users.Password.Reveal() != "new" {
		t.Errorf("the password is %q", r.Config.Users.Password.Reveal())
	}
	rewrite(t, flags.Config, "kafka: {brokers: [a]}\nusers: {password_file: '"+write(t, "other", "newer\n")+"'}\n")
	if r, err = flags.Reload(running); err != nil || len(r.Report().Changed) != 1 {
		t.Errorf("another file is one change: %v, %v", r.Report(), err)
	}
}

func TestTheBrokerInsideIsNoChange(t *testing.T) {
	flags, running := started(t, "log: {level: info}\n")
	flags.Embedded = true
	running.Kafka.Brokers = []string{"127.0.0.1:40000"}
	rewrite(t, flags.Config, "log: {level: debug}\n")
	r, err := flags.Reload(running)
	if err != nil || r.Config.Kafka.Brokers[0] != "127.0.0.1:40000" {
		t.Fatal(r, err)
	}
	if diff := cmp.Diff([]string{"log.level"}, r.Report().Changed); diff != "" || r.Report().Restart != nil {
		t.Errorf("%v %s", r.Report(), diff)
	}
}

func TestWhatKafkaCannotChangeWaitsToo(t *testing.T) {
	flags, running := started(t, "kafka: {brokers: [a]}\n")
	rewrite(t, flags.Config, "kafka: {brokers: [a], producer: {linger.ms: 5}}\nproduce: {in_flight: 7}\n")
	r, err := flags.Reload(running)
	if err != nil {
		t.Fatal(err)
	}
	r.Postpone([]string{"kafka.producer"})
	want := management.Reloaded{Changed: []string{"produce.in_flight"}, Restart: []string{"kafka.producer"}}
	if diff := cmp.Diff(want, r.Report()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(r.Config.Kafka.Producer) > 0 || r.Config.Kafka.Produce.InFlight != 7 {
		t.Errorf("to run with: %v, %d", r.Config.Kafka.Producer, r.Config.Kafka.Produce.InFlight)
	}
}
