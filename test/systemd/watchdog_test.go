//go:build systemd

package systemd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	watchdog = 30 * time.Second // WatchdogSec= of the packaged units
	// backWithin is how long after the watchdog's time a frozen service may take to be back, on a machine
	// that restarts one that was killed in a third of it.
	backWithin = 5 * time.Second
)

// loops are all that must move, with what makes those run that are not there from the start.
var loops = []struct {
	name  string
	start []string // commands
	ask   string   // a path
}{
	{name: "accept:resp"},
	{name: "probe:resp"},
	{name: "accept:http"},
	{name: "probe:http"},
	{name: "takes:group", start: []string{"RPUSH topics:t x"}, ask: "/v1/groups/group/messages?topics=t&wait=1s"},
	{name: "management"},
	{name: "producer:delivered"},
	{name: "producer:buffered"},
	{name: "subscription:group", start: []string{"CLIENT SETNAME group:one", "BLPOP topics:t 1"}},
	{name: "lag"},
}

// A loop that stands still ends in SIGABRT with every goroutine in the journal, and a restart. Each
// loop is frozen in an instance of its own, all at the same time.
func TestWatchdog(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.put("/usr/bin/sluice", "755", artifacts(t).freezing)
		for i, l := range loops {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				m := m.in(t)
				unit, addr := m.freezable(l.name, broker, i)
				allowed := watchdog + max(backWithin, 3*m.restart(unit))
				if l.start != nil {
					m.redis(addr, l.start...)
				}
				if l.ask != "" {
					if status, body := m.get(httpOf(i), l.ask); status != 200 {
						t.Fatalf("%s is answered with %d: %s", l.ask, status, body)
					}
				}
				m.frozen(unit, l.name, allowed)
			})
		}
	})
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

// frozen freezes a loop and watches what becomes of the unit, which is to be back when so much is over.
func (m *machine) frozen(unit, loop string, allowed time.Duration) {
	m.t.Helper()
	pid := m.property(unit, "MainPID")
	began := time.Now()
	m.run("systemctl", "kill", "--signal=USR2", "--kill-who=main", unit)
	m.await(watchdog, "no status that names the loop", func(out string) bool { return strings.Contains(out, loop) },
		"systemctl", "show", "--value", "--property=StatusText", unit)
	m.awaitProperty(2*watchdog, unit, "NRestarts", "2")
	m.awaitProperty(watchdog, unit, "ActiveState", "active")
	took := time.Since(began)
	m.t.Logf("back after %v, %v are allowed", took.Round(time.Second/10), allowed.Round(time.Second/10))
	if took > allowed {
		m.t.Errorf("the unit was back after %v: %v are allowed", took, allowed)
	}
	if m.property(unit, "MainPID") == pid {
		m.t.Error("it is the same process")
	}
	journal := m.journal(unit)
	for _, want := range []string{"SIGABRT", "\ngoroutine 1 ", "systemd.freeze", loop} {
		if !strings.Contains(journal, want) {
			m.t.Errorf("the journal lacks %q", want)
		}
	}
}

// restart is how long the unit takes to be back when it is killed: what the machine can do.
func (m *machine) restart(unit string) time.Duration {
	m.t.Helper()
	began := time.Now()
	m.crash(unit)
	m.awaitProperty(watchdog, unit, "ActiveState", "active")
	return time.Since(began)
}
