//go:build systemd

package systemd

import (
	"regexp"
	"strings"
	"testing"
)

// What the README promises: install, start, look.
func TestStart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		withSluice(m)
		if got := m.property("sluice", "UnitFileState"); got != "disabled" {
			t.Errorf("after the installation the unit is %s", got)
		}
		m.run("systemctl", "start", "sluice")
		if got := m.property("sluice", "ActiveState"); got != "active" {
			t.Fatalf("the unit is %s", got)
		}
		if got := m.redis("127.0.0.1:6380", "PING"); got != "+PONG" {
			t.Errorf("once the unit is active, PING is answered with %q", got)
		}
		m.await(startPatience, "no status line", statusLine.MatchString, "systemctl", "status", "sluice")
		m.await(startPatience, "not ready", func(out string) bool { return strings.Contains(out, "200 OK") },
			"bash", "-c", askScript+"cat <&3", "bash", "127.0.0.1:9380", "GET /readyz HTTP/1.0\r\n\r\n")
		for _, path := range []string{"/healthz", "/metrics", "/status"} {
			if status, body := m.get("127.0.0.1:9380", path); status != 200 || body == "" {
				t.Errorf("GET %s: %d %q", path, status, body)
			}
		}
		if out := m.run("sluice", "ctl", "status"); out == "" {
			t.Error("sluice ctl status says nothing")
		}
		m.run("systemd-analyze", "security", "--threshold=15", "--no-pager", "sluice.service")
		m.run("systemctl", "stop", "sluice")
		if got := m.property("sluice", "Result"); got != "success" {
			t.Errorf("stopped with %s", got)
		}
	})
}

var statusLine = regexp.MustCompile(`Status: "serving .*clients?`)

// The package's own configuration must do, unchanged, on a machine where no Kafka answers.
func TestStartAsPackaged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		m.install(artifacts(t).deb)
		m.run("sluice", "check", "--config", configFile)
		m.run("systemctl", "start", "sluice")
		if got := m.redis("127.0.0.1:6380", "PING"); got != "+PONG" {
			t.Errorf("PING is answered with %q", got)
		}
		if status, body := m.get("127.0.0.1:9380", "/healthz"); status != 200 {
			t.Errorf("without Kafka /healthz says %d %s", status, body)
		}
		if status, body := m.get("127.0.0.1:9380", "/readyz"); status != 503 || !strings.Contains(body, "[") {
			t.Errorf("without Kafka /readyz says %d %s", status, body)
		}
	})
}

// A configuration that cannot work is told at once, and not tried again and again.
func TestStartWithABadConfiguration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		m.install(artifacts(t).deb)
		m.write(configFile, "644", "kafka:\n  brokers: [localhost:9092]\nresp:\n  port: 6380\n")
		if _, status := m.try("systemctl", "start", "sluice"); status == 0 {
			t.Error("systemctl start succeeds")
		}
		if state, main, restarts := m.property("sluice", "ActiveState"), m.property("sluice", "ExecMainStatus"), m.number("sluice", "NRestarts"); state != "failed" || main != "78" || restarts != 0 {
			t.Errorf("the unit is %s with status %s after %d restarts, not failed with 78 after none", state, main, restarts)
		}
		m.awaitJournal("sluice", configFile+`:4:3: unknown key "port"`)
	})
}

// An instance for each cluster, beside each other and beside sluice.service.
func TestInstances(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice")
		addrs := map[string]string{"billing": "127.0.0.1:6390", "web": "127.0.0.1:6391"}
		for name, addr := range addrs {
			m.instance(name, addr, broker)
			m.run("systemctl", "start", "sluice@"+name)
			if got := m.redis(addr, "PING"); got != "+PONG" {
				t.Errorf("%s answers PING with %q", name, got)
			}
			m.run("systemctl", "reload", "sluice@"+name)
		}
		m.run("systemctl", "stop", "sluice@web")
		if got := m.property("sluice@billing", "ActiveState"); got != "active" {
			t.Errorf("when one instance stops the other is %s", got)
		}
		if got := m.property("sluice", "ActiveState"); got != "active" {
			t.Errorf("when one instance stops sluice.service is %s", got)
		}
	})
}
