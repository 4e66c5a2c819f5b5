package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts a file into a fresh folder and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	rewrite(t, path, content)
	return path
}

// rewrite replaces the content of a file.
func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs one command line inside the test.
func command(args ...string) (status int, out, err string) {
	var stdout, stderr bytes.Buffer
	status = Run(args, Env{Version: "development", Out: &stdout, Err: &stderr})
	return status, stdout.String(), stderr.String()
}

func TestExitStatuses(t *testing.T) {
	good := write(t, "sluice.yaml", "kafka: {brokers: [a]}\n")
	bad := write(t, "sluice.yaml", "kafka: {brokerz: [a]}\n")
	const tryHelp = "\nTry \"sluice --help\".\n"
	for _, test := range []struct {
		args     string
		status   int
		out, err string // what is said, or part of it
	}{
		{"version", exitOK, "librdkafka ", ""},
		{"--help", exitOK, "Exit status: 0 done", ""},
		{"serve --help", exitOK, "HTTP address (127.0.0.1:8082)", ""},
		{"serve --brokers", exitUsage, "", "sluice: --brokers needs a value" + tryHelp},
		{"serve -c", exitUsage, "", "sluice: --config needs a value" + tryHelp},
		{"topics --timeout", exitUsage, "", "sluice: --timeout needs a value" + tryHelp},
		{"topics --timeout=x", exitUsage, "", "sluice: --timeout: expected duration but got \"x\""},
		{"check -c " + good, exitOK, good + ": ok\n", ""},
		{"check -c " + bad, exitConfig, "", bad + ":1:9: unknown key \"brokerz\" under kafka (did you mean \"brokers\"?)\n"},
		{"serve -c " + bad, exitConfig, "", "brokerz"},
		{"topics -c " + bad, exitConfig, "", "brokerz"},
		{"check --librdkafka /no/such", exitConfig, "", "--librdkafka: open /no/such: no such file or directory\n"},
		{"check -c /no/such", exitConfig, "", "--config: open /no/such: no such file or directory\n"},
		{"serve", exitConfig, "", "kafka.brokers: none given: use --brokers A,B, kafka.brokers in the file, or --embedded\n"},
		{"serve --brokers a:b", exitConfig, "", "--brokers: \"a:b\" is not an address such as kafka1:9092\n"},
		{"serve --embedded --log-level loud", exitConfig, "", "--log-level: \"loud\" is not one of debug, info, warn, error\n"},
		{"serve --embedded --resp :6380", exitConfig, "", "\"insecure: true\""},
		{"", exitUsage, "", tryHelp},
		{"serv", exitUsage, "", "did you mean \"serve\"?" + tryHelp},
		{"serve --nonsense", exitUsage, "", tryHelp},
		{"serve --embedded --brokers a", exitUsage, "", "sluice: --embedded and --brokers exclude each other" + tryHelp},
		{"check", exitUsage, "", "check needs a file: -c FILE or --librdkafka FILE" + tryHelp},
		{"topics", exitUsage, "", "which cluster?"},
		{"topics describe", exitUsage, "", tryHelp},
		{"topics orders", exitUsage, "", "sluice: unexpected argument orders; one topic: sluice topics describe orders" + tryHelp},
		{"groups --timeout 1s billing", exitUsage, "", "sluice: unexpected argument billing; one group: sluice groups describe billing" + tryHelp},
		{"version billing", exitUsage, "", "sluice: unexpected argument billing" + tryHelp},
		{"topics --brokers 127.0.0.1:1 --timeout 100ms", exitFailed, "", "sluice: no broker answers: 127.0.0.1:1 refuses connections: nothing listens there\n"},
		{"serve --embedded --state-dir /dev/null/x", exitFailed, "", "sluice: state_dir: "},
	} {
		status, out, err := command(strings.Fields(test.args)...)
		if status != test.status || !strings.Contains(out, test.out) || !strings.Contains(err, test.err) {
			t.Errorf("sluice %s: status %d, want %d\nout: %s\nerr: %s", test.args, status, test.status, out, err)
		}
	}
}

// Everything that reads a file says the new name of a setting.
func TestOldNamesOfSettings(t *testing.T) {
	old := write(t, "sluice.yaml", "drain:\n  grace: 10s\n")
	want := old + ":2:3: drain.grace is called drain_grace now\n"
	for _, args := range []string{"check", "serve", "serve --embedded", "topics", "groups"} {
		status, _, err := command(append(strings.Fields(args), "-c", old)...)
		if status != exitConfig || err != want {
			t.Errorf("sluice %s: status %d, %s", args, status, err)
		}
	}
}

func TestCheckWarnsOfWhatMaySurprise(t *testing.T) {
	open := write(t, "sluice.yaml", "insecure: true\nresp: {address: '[::]:6380', limits: {bulk: 8MiB, command: 4MiB}}\nusers: {password: hunter2}\n")
	status, _, err := command("check", "-c", open)
	if status != exitOK {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{
		`msg="the redis door can be reached from other machines without TLS" address=[::]:6380 password=true`,
		`msg="resp.limits.bulk is above resp.limits.command, which therefore decides" bulk=8388608 command=4194304`,
		`msg="kafka.brokers is not set: serve will need --brokers or --embedded"`,
	} {
		if !strings.Contains(err, want) {
			t.Errorf("no %s in\n%s", want, err)
		}
	}
	if strings.Contains(err, "hunter2") {
		t.Errorf("the password is shown:\n%s", err)
	}
}

func TestLastWordsReachTheJournalAsErrors(t *testing.T) {
	bad := write(t, "sluice.yaml", "a: 1\nb: \"\\n<0>\"\n")
	var out, err bytes.Buffer
	status := Run([]string{"check", "-c", bad}, Env{Out: &out, Err: &err, Journal: true})
	want := "<3>" + bad + ":1:1: unknown key \"a\"\n<3>" + bad + ":2:1: unknown key \"b\"\n"
	if status != exitConfig || err.String() != want {
		t.Errorf("status %d\n%swant\n%s", status, err.String(), want)
	}
}
