//go:build systemd

package systemd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const watchdog = 30 * time.Second // WatchdogSec= of the packaged units

// loop is one that must move, with what makes it run if it is not there from the start: a record of a topic
// and a group of its own, as all instances have one broker.
type loop struct {
	name  string
	topic string
	pop   []string // commands that bring the record
	get   string   // a path that does
}

var loops = []loop{
	{name: "accept:resp"},
	{name: "probe:resp"},
	{name: "accept:http"},
	{name: "probe:http"},
	{name: "takes:group", topic: "taken", get: "/v1/groups/group/messages?topics=taken&wait=20s"},
	{name: "management"},
	{name: "producer:delivered"},
	{name: "producer:buffered"},
	{name: "subscription:readers", topic: "read", pop: []string{"CLIENT SETNAME readers:one", "BLPOP topics:read 20"}},
	{name: "lag"},
}

// A loop that stands still ends in SIGABRT with every goroutine in the journal, and a restart. Each
// loop is frozen in an instance of its own, all at the same time, in all machines.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.put("/usr/bin/sluice", "755", artifacts(t).freezing)
		for i, l := range loops {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				m := m.in(t)
				unit, addr := m.freezable(l.name, broker, i)
				m.begin(l, addr, httpOf(i))
				m.frozen(unit, l.name)
			})
		}
	})
}

// begin has a record read through one of the doors, which makes the loop run that is for its readers.
func (m *machine) begin(l loop, resp, http string) {
	m.t.Helper()
	if l.topic == "" {
		return
	}
	if got := m.redis(resp, "RPUSH topics:"+l.topic+" x"); !strings.HasPrefix(got, ":") {
		m.t.Fatalf("RPUSH is answered with %q", got)
	}
	if l.pop != nil {
		if got := m.redis(resp, l.pop...); got != "*8" {
			m.t.Fatalf("%s is answered with %q", l.pop, got)
		}
	}
	if l.get != "" {
		if status, body := m.get(http, l.get); status != 200 || !strings.Contains(body, l.topic) {
			m.t.Fatalf("%s is answered with %d: %s", l.get, status, body)
		}
	}
}

// freezable starts an instance in which that loop will stop at SIGUSR2.
func (m *machine) freezable(loop, broker string, number int) (unit, addr string) {
	m.t.Helper()
	name := strings.ReplaceAll(loop, ":", "_")
	unit, addr = "sluice@"+name+".service", fmt.Sprintf("127.0.0.1:%d", 6400+number)
	doors := fmt.Sprintf("resp:\n  address: %s\nhttp:\n  address: %s\nmanagement:\n  address: 127.0.0.1:%d\n", addr, httpOf(number), 9400+number)
	m.write("/etc/sluice/"+name+".yaml", "644", fmt.Sprintf("kafka:\n  brokers: [%q]\n%s", broker, doors))
	m.dropIn(unit, "[Service]\nEnvironment=SLUICE_FREEZE="+loop+"\n")
	m.run("systemctl", "start", unit)
	if got := m.property(unit, "WatchdogUSec"); got != "30s" {
		m.t.Fatalf("the watchdog's time is %s", got)
	}
	return unit, addr
}

// httpOf is the HTTP door of an instance.
func httpOf(number int) string { return fmt.Sprintf("127.0.0.1:%d", 8200+number) }

// frozen freezes a loop and watches what becomes of the unit.
func (m *machine) frozen(unit, loop string) {
	m.t.Helper()
	pid, began := m.property(unit, "MainPID"), time.Now()
	m.run("systemctl", "kill", "--signal=USR2", "--kill-who=main", unit)
	m.await(watchdog, "no status that names the loop", func(out string) bool { return strings.Contains(out, loop) },
		"systemctl", "show", "--value", "--property=StatusText", unit)
	m.awaitProperty(2*watchdog, unit, "NRestarts", "1")
	m.awaitProperty(watchdog, unit, "ActiveState", "active")
	m.t.Logf("back after %v", time.Since(began).Round(time.Second/10))
	if m.property(unit, "MainPID") == pid {
		m.t.Error("it is the same process")
	}
	m.awaitJournal(unit, "SIGABRT", "\ngoroutine 1 ", "systemd.freeze", loop)
}
