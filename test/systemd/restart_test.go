//go:build systemd

package systemd

import (
	"strings"
	"testing"
	"time"
)

const (
	loadRuns      = 14 * time.Second
	restarts      = 5
	betweenStarts = 2 * time.Second // five restarts in ten seconds
)

// restartUnderLoad restarts the service five times in about ten seconds.
func restartUnderLoad(m *machine) func() {
	return func() {
		tick := time.NewTicker(betweenStarts)
		defer tick.Stop()
		for range restarts {
			<-tick.C
			m.run("systemctl", "restart", "sluice")
		}
	}
}

// With the socket no client notices more than a pause: those that connect for each request wait in
// the kernel, those that stay get their answers before the end.
func TestRestartWithTheSocket(t *testing.T) {
	inTurn(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice.socket")
		m.run("systemctl", "start", "sluice")
		for _, load := range [][]string{{"-each", "-topic=each"}, {"-topic=stay", "-workers=50", "-blocked=20"}} {
			m.run("systemctl", "reset-failed", "sluice") // more starts in a minute than the limit allows
			r := m.underLoad(broker, loadRuns, restartUnderLoad(m), load...)
			r.nothingLost(t)
			if r.Refused+r.Reset+r.TimedOut > 0 {
				t.Errorf("%v: %d refused, %d ended before an answer, %d without an answer: %v", load, r.Refused, r.Reset, r.TimedOut, r.Failed)
			}
			if r.Dropped > 0 {
				t.Errorf("%v: %d waiting consumers were cut without an answer, %d got one", load, r.Dropped, r.Released)
			}
		}
	})
}

// Without the socket connections are refused while there is no listener, and the few that the kernel
// accepts while the old one closes are reset; but nothing that was acknowledged is lost.
func TestRestartWithoutTheSocket(t *testing.T) {
	inTurn(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice")
		r := m.underLoad(broker, loadRuns, restartUnderLoad(m), "-each")
		r.nothingLost(t)
		if r.TimedOut > 0 {
			t.Errorf("%d requests without an answer", r.TimedOut)
		}
		if r.Refused == 0 {
			t.Error("nobody was refused: the test did not see the restarts")
		}
	})
}

// A crash loses the answers under way, and nothing that was answered; with the socket nobody is refused.
func TestKill(t *testing.T) {
	inTurn(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice.socket")
		m.run("systemctl", "start", "sluice")
		r := m.underLoad(broker, loadRuns, func() {
			<-time.After(betweenStarts)
			m.run("systemctl", "kill", "--signal=KILL", "sluice")
			m.awaitProperty(startPatience, "sluice", "NRestarts", "1")
			m.awaitProperty(startPatience, "sluice", "ActiveState", "active")
		}, "-each")
		r.nothingLost(t)
		if r.Refused > 0 {
			t.Errorf("%d connections refused: %v", r.Refused, r.Failed)
		}
		if got := m.redis("127.0.0.1:6380", "PING"); got != "+PONG" {
			t.Errorf("after the crash PING is answered with %q", got)
		}
	})
}

// What crashes again and again is given up, and comes back when the operator says so.
func TestStartLimit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		withSluice(m)
		m.dropIn("sluice.service", "[Service]\nRestartSec=100ms\n")
		m.run("systemctl", "start", "sluice")
		for range m.number("sluice", "StartLimitBurst") {
			m.crash("sluice")
		}
		m.awaitProperty(startPatience, "sluice", "ActiveState", "failed")
		if !strings.Contains(m.run("journalctl", "--unit=sluice", "--no-pager"), "Start request repeated too quickly") {
			t.Error("the journal does not tell that the limit of starts was reached")
		}
		m.run("systemctl", "reset-failed", "sluice")
		m.run("systemctl", "start", "sluice")
		if got := m.redis("127.0.0.1:6380", "PING"); got != "+PONG" {
			t.Errorf("PING is answered with %q", got)
		}
	})
}

// crash kills the process of a unit, once it is there, and waits until it is gone.
func (m *machine) crash(unit string) {
	m.t.Helper()
	m.awaitProperty(startPatience, unit, "SubState", "running")
	pid := m.property(unit, "MainPID")
	m.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", unit)
	m.await(startPatience, "process "+pid+" is still there", func(out string) bool { return strings.TrimSpace(out) != pid },
		"systemctl", "show", "--value", "--property=MainPID", unit)
}
