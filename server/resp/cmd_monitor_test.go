package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/resp/monitor"
)

// Everybody who listens hears everybody, in both protocols, once; RESET ends it.
func TestMonitor(t *testing.T) {
	d := open(t, Options{}, brokers...)
	var lookouts []*peer
	for proto := 2; proto <= 3; proto++ {
		m := d.dial(t)
		m.ask(fmt.Sprintf("HELLO %d", proto))
		m.says("MONITOR", "+OK")
		m.says("MONITOR", "+OK") // again is no second time
		lookouts = append(lookouts, m)
	}
	p := d.dial(t)
	for i := range 100 {
		p.says(fmt.Sprintf("ECHO %d", i), fmt.Sprintf("$%d", len(fmt.Sprint(i))), fmt.Sprint(i))
	}
	for _, m := range lookouts {
		for i := range 100 {
			line := m.line()
			for strings.Contains(line, `"MONITOR"`) || strings.Contains(line, `"HELLO"`) {
				line = m.line()
			}
			if !strings.HasSuffix(line, fmt.Sprintf(`] "ECHO" "%d"`, i)) {
				t.Fatalf("got %s, want ECHO %d", line, i)
			}
		}
		m.send("RESET", "PING")
		for line := m.line(); line != "+RESET"; line = m.line() {
			if strings.Contains(line, "ECHO") { // else it is what the one before did last
				t.Fatal(line)
			}
		}
		m.hears("+PONG")
	}
	if d.monitors.Any() {
		t.Error("somebody still listens")
	}
}

// There are so many monitors and no more; one that ends makes room.
func TestMonitorsAreCounted(t *testing.T) {
	d := open(t, Options{}, brokers...)
	last := d.dial(t)
	for range monitor.Max - 1 {
		d.dial(t).says("MONITOR", "+OK")
	}
	last.says("MONITOR", "+OK")
	p := d.dial(t)
	p.says("MONITOR", "-ERR 100 clients run MONITOR already, and more may not")
	p.says("PING", "+PONG") // it does not listen
	last.Close()
	eventually(t, "room", func() bool { return len(d.sessions.all()) == monitor.Max })
	p.says("MONITOR", "+OK")
}

// A client that does not read the lines of its MONITOR is cut, and monitors no more.
func TestASlowMonitorIsCut(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.dial(t).says("MONITOR", "+OK")
	p := d.dial(t)
	line := "EXISTS" + strings.Repeat(" "+strings.Repeat("x", 64), 32)
	var many []string
	for range 100 {
		many = append(many, line)
	}
	p.says("CLIENT REPLY OFF")
	for i := 0; d.monitors.Any(); i++ {
		if i > 1000 {
			t.Fatal("it was never cut")
		}
		p.send(many...)
	}
	eventually(t, "the reason", func() bool { return d.Stats().ended("slow_monitor") == 1 })
}
