//go:build systemd

package systemd

import (
	"strings"
	"testing"
)

// longRecord does not fit into the limit that the reload brings.
var longRecord = strings.Repeat("x", 2000)

func TestReload(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice")
		pid := m.property("sluice", "MainPID")
		if got := m.redis("127.0.0.1:6380", "RPUSH topics:t "+longRecord); !strings.HasPrefix(got, ":") {
			t.Fatalf("before the reload the record is answered with %q", got)
		}
		m.configure(broker, "resp:\n  limits:\n    bulk: 1000\n")
		m.run("systemctl", "reload", "sluice")
		if got := m.redis("127.0.0.1:6380", "RPUSH topics:t "+longRecord); !strings.HasPrefix(got, "-") {
			t.Errorf("after the reload the record that is too long now is answered with %q", got)
		}
		m.goesOn(pid)
	})
}

// The package brings the HTTP door closed. A reload opens it, in the unit's sandbox, and closes it.
func TestReloadOpensTheHTTPDoor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		withSluice(m)
		m.run("systemctl", "start", "sluice")
		pid := m.property("sluice", "MainPID")
		m.run("sed", "-i", `s/^  address: ""/  address: 127.0.0.1:8082/`, configFile)
		m.run("systemctl", "reload", "sluice")
		if status, body := m.get("127.0.0.1:8082", "/healthy"); status != 200 {
			t.Errorf("the door answers %d: %s", status, body)
		}
		m.run("sed", "-i", `s/^  address: 127.0.0.1:8082/  address: ""/`, configFile)
		m.run("systemctl", "reload", "sluice")
		m.awaitJournal("sluice", `msg="door closed" door=http`)
		m.goesOn(pid)
	})
}

// A bad file changes nothing, and says where it is bad to whoever asked.
func TestReloadABadFile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.configure(broker, "resp:\n  limits:\n    bulk: 1000\n")
		m.run("systemctl", "start", "sluice")
		pid := m.property("sluice", "MainPID")
		m.configure(broker, "resp:\n  limits:\n    bulk: 1MiB\n    inlin: 4KiB\n")
		const want = configFile + ":8:5: unknown key"
		if _, status := m.try("systemctl", "reload", "sluice"); status == 0 {
			t.Error("systemctl reload succeeds")
		}
		m.awaitJournal("sluice", want)
		if out, status := m.try("sluice", "ctl", "reload"); status != 78 || !strings.Contains(out, want) {
			t.Errorf("sluice ctl reload: status %d\n%s", status, out)
		}
		if got := m.redis("127.0.0.1:6380", "RPUSH topics:t "+longRecord); !strings.HasPrefix(got, "-") {
			t.Errorf("a reload that failed let a limit go: %q", got)
		}
		if _, metrics := m.get("127.0.0.1:9380", "/metrics"); !strings.Contains(metrics, "sluice_config_last_reload_success 0") {
			t.Error("the metrics do not tell that the reload failed")
		}
		m.goesOn(pid)
		m.configure(broker, "")
		m.run("systemctl", "reload", "sluice")
		m.goesOn(pid)
	})
}

// goesOn checks that the same process serves as before.
func (m *machine) goesOn(pid string) {
	m.t.Helper()
	if state := m.property("sluice", "ActiveState"); state != "active" {
		m.t.Errorf("the unit is %s", state)
	}
	if now := m.property("sluice", "MainPID"); now != pid {
		m.t.Errorf("process %s became %s", pid, now)
	}
	if got := m.redis("127.0.0.1:6380", "PING"); got != "+PONG" {
		m.t.Errorf("PING is answered with %q", got)
	}
}
