//go:build systemd

package systemd

import (
	"os"
	"strings"
	"testing"
)

// each runs a test in a fresh machine of every suite, in all of them at once: what starts and stops mostly waits.
func each(t *testing.T, test func(t *testing.T, m *machine)) {
	t.Helper()
	needContainer(t)
	for _, suite := range suites() {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			test(t, boot(t, suite))
		})
	}
}

// inTurn is each for what runs under load, of which there is one at a time.
func inTurn(t *testing.T, test func(t *testing.T, m *machine)) {
	t.Helper()
	needContainer(t)
	for _, suite := range suites() {
		t.Run(suite, func(t *testing.T) { test(t, boot(t, suite)) })
	}
}

// What is booted must be apart from this machine, or a test could harm it.
func TestMachineIsApart(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		if _, status := m.try("test", "-e", t.TempDir()); status == 0 {
			t.Error("the machine sees our temporary files")
		}
		m.write("/tmp/inside", "600", "")
		if _, err := os.Stat("/tmp/inside"); err == nil {
			t.Error("the machine writes to our /tmp")
		}
		if got := m.run("cat", "/proc/1/comm"); got != "systemd\n" {
			t.Errorf("the first process is %q", got)
		}
		if got := strings.Fields(m.run("ls", "/sys/class/net")); len(got) != 1 || got[0] != "lo" {
			t.Errorf("network interfaces: %v", got)
		}
		m.write("/etc/written", "644", "once\n")
	})
	each(t, func(t *testing.T, m *machine) {
		if _, status := m.try("test", "-e", "/etc/written"); status == 0 {
			t.Error("a machine found what another one wrote")
		}
	})
}
