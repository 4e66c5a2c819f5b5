//go:build systemd

package systemd

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	configFile = "/etc/sluice/sluice.yaml"
	// startPatience is how long a unit may take to become what it is to become.
	startPatience = 30 * time.Second
)

// install copies the package in and installs it.
func (m *machine) install(deb string) (out string) {
	m.t.Helper()
	m.put("/srv/sluice.deb", "644", deb)
	return m.run("dpkg", "--install", "/srv/sluice.deb")
}

// kafkaUnit is the cluster of a machine without a network: sluice's own broker, as a unit of its own,
// run from a copy of the binary that no upgrade touches.
const kafkaUnit = `[Unit]
Description=Kafka for the tests
[Service]
ExecStart=/usr/local/bin/kafka serve --embedded --resp "" --http "" --management ""
`

var brokerStarted = regexp.MustCompile(`msg="embedded broker started".* address=(\S+)`)

// startKafka returns the address of a running broker.
func (m *machine) startKafka() string {
	m.t.Helper()
	m.run("cp", "/usr/bin/sluice", "/usr/local/bin/kafka")
	m.write("/etc/systemd/system/kafka.service", "644", kafkaUnit)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "kafka")
	out := m.await(startPatience, "no broker", brokerStarted.MatchString, "journalctl", "--unit=kafka", "--output=cat", "--no-pager")
	return brokerStarted.FindStringSubmatch(out)[1]
}

// withSluice is a machine with the package, a broker and a configuration that names it. Nothing of
// sluice runs yet. It returns the broker.
func withSluice(m *machine) string {
	m.t.Helper()
	m.install(artifacts(m.t).deb)
	m.put("/usr/local/bin/load", "755", artifacts(m.t).load)
	broker := m.startKafka()
	m.configure(broker, "")
	return broker
}

// configure writes the configuration file, with more lines after the broker's.
func (m *machine) configure(broker, more string) {
	m.t.Helper()
	m.run("cp", "--no-clobber", configFile, configFile+".packaged")
	m.write(configFile, "640", fmt.Sprintf("kafka:\n  brokers: [%q]\nhttp:\n  address: \"\"\n%s", broker, more))
	m.run("chgrp", "sluice", configFile)
}

// instance writes the configuration of sluice@name, which listens at addr and nowhere else.
func (m *machine) instance(name, addr, broker string) {
	m.t.Helper()
	file := "/etc/sluice/" + name + ".yaml"
	m.write(file, "640", instanceDoors(addr, broker)+"management:\n  address: \"\"\n")
	m.run("chgrp", "sluice", file)
}

func instanceDoors(addr, broker string) string {
	return fmt.Sprintf("kafka:\n  brokers: [%q]\nresp:\n  address: %s\nhttp:\n  address: \"\"\n", broker, addr)
}

// dropIn adds lines to a unit, as `systemctl edit` does.
func (m *machine) dropIn(unit, lines string) {
	m.t.Helper()
	m.write("/etc/systemd/system/"+unit+".d/test.conf", "644", lines)
	m.run("systemctl", "daemon-reload")
}

// property is what systemd knows of a unit.
func (m *machine) property(unit, name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--value", "--property="+name, unit))
}

// number is a property that is one.
func (m *machine) number(unit, name string) int {
	m.t.Helper()
	n, err := strconv.Atoi(m.property(unit, name))
	if err != nil {
		m.t.Fatalf("%s of %s: %v", name, unit, err)
	}
	return n
}

// awaitProperty waits until a unit's property has one of the values.
func (m *machine) awaitProperty(patience time.Duration, unit, name string, values ...string) {
	m.t.Helper()
	m.await(patience, fmt.Sprintf("%s of %s is not in %v", name, unit, values), func(out string) bool {
		for _, v := range values {
			if strings.TrimSpace(out) == v {
				return true
			}
		}
		return false
	}, "systemctl", "show", "--value", "--property="+name, unit)
}

// awaitJournal waits until the unit, or what runs for its ExecReload=, has logged all of that: what a process wrote last may be on its way when
// systemd has long seen its end.
func (m *machine) awaitJournal(unit string, all ...string) {
	m.t.Helper()
	for _, want := range all {
		m.await(startPatience, fmt.Sprintf("the journal lacks %q", want), func(out string) bool { return strings.Contains(out, want) },
			"journalctl", "--unit="+unit, "--output=cat", "--no-pager")
	}
}

// bash's /dev/tcp is the one client that is in every Debian.
const askScript = `exec 3<>"/dev/tcp/${1%:*}/${1##*:}" && printf %s "$2" >&3 && `

// redis sends commands and returns the first line of the last answer, those before being a line each; "" when
// there was none.
func (m *machine) redis(addr string, commands ...string) string {
	m.t.Helper()
	var sent strings.Builder
	for _, command := range commands {
		words := strings.Fields(command)
		fmt.Fprintf(&sent, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&sent, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	out := m.output("bash", "-c", askScript+`for _ in $(seq "$3"); do IFS= read -r -t 30 line <&3; done; printf %s "${line%$'\r'}"`,
		"bash", addr, sent.String(), strconv.Itoa(len(commands)))
	return strings.TrimSpace(out)
}

// get returns the status and the body of a page.
func (m *machine) get(addr, path string) (status int, body string) {
	m.t.Helper()
	out := m.output("bash", "-c", askScript+"cat <&3", "bash", addr, "GET "+path+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
	head, body, _ := strings.Cut(out, "\r\n\r\n")
	if fields := strings.Fields(head); len(fields) > 1 {
		status, _ = strconv.Atoi(fields[1])
	}
	return status, body
}

// result is what test/systemd/load prints.
type result struct {
	Acked, Refused, Reset, TimedOut, Released, Dropped, Found int
	WorstMS                                                   int64
	Declined, Failed                                          map[string]int
	Lost                                                      []string
}

// underLoad runs do while clients produce, and returns how their requests ended. The load ends by
// itself: do must be done before.
func (m *machine) underLoad(broker string, runs time.Duration, do func(), args ...string) result {
	m.t.Helper()
	ended := make(chan struct{})
	var out string
	var status int
	var err error
	go func() {
		defer close(ended)
		out, status, err = m.attempt(runs+commandPatience, append([]string{"/usr/local/bin/load", "-kafka", broker, "-for", runs.String()}, args...)...)
	}()
	do()
	<-ended
	if err != nil || status != 0 {
		m.t.Fatalf("load: exit status %d: %v\n%s", status, err, out)
	}
	var r result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		m.t.Fatalf("load: %v\n%s", err, out)
	}
	m.t.Logf("load: %s", strings.TrimSpace(out))
	return r
}

// nothingLost fails the test when Kafka lacks a record that was acknowledged, or when hardly any was.
func (r result) nothingLost(t *testing.T) {
	t.Helper()
	if len(r.Lost) > 0 {
		t.Errorf("%d records were acknowledged and are not in Kafka, among them %s", len(r.Lost), r.Lost[0])
	}
	if r.Acked < 100 {
		t.Errorf("only %d records were acknowledged: the test saw nothing", r.Acked)
	}
}
