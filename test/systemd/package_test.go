//go:build systemd

package systemd

import (
	"strings"
	"testing"
)

// An installation starts nothing and enables nothing.
func TestInstall(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		m.install(artifacts(t).deb)
		units := m.run("systemctl", "list-unit-files", "--no-legend", "sluice*")
		for line := range strings.Lines(units) {
			if f := strings.Fields(line); len(f) < 2 || f[1] != "disabled" {
				t.Errorf("unit file: %s", line)
			}
		}
		if strings.Count(units, "\n") < 4 {
			t.Errorf("unit files:\n%s", units)
		}
		if out := m.run("systemctl", "list-units", "--all", "--no-legend", "--plain", "--state=active,activating,failed", "sluice*"); out != "" {
			t.Errorf("running after the installation:\n%s", out)
		}
		for path, want := range map[string]string{"/etc/sluice": "750 root sluice", configFile: "640 root sluice", "/usr/bin/sluice": "755 root root"} {
			if got := strings.TrimSpace(m.run("stat", "--format=%a %U %G", path)); got != want {
				t.Errorf("%s is %s, not %s", path, got, want)
			}
		}
		for _, path := range []string{"man/man1/sluice.1.gz", "bash-completion/completions/sluice", "zsh/vendor-completions/_sluice", "fish/vendor_completions.d/sluice.fish", "doc/sluice/sbom.cdx.json", "doc/sluice/copyright", "doc/sluice/README.md", "doc/sluice/docs/operating.md", "doc/sluice/docs/sluice.yaml", "doc/sluice/docs/decisions/README.md"} {
			m.run("dpkg-query", "--search", "/usr/share/"+path) // minimal systems leave the files out
		}
		if got := m.run("sluice", "version"); !strings.HasPrefix(got, "sluice "+oldVersion+"\n") {
			t.Errorf("sluice version: %s", got)
		}
	})
}

// An upgrade restarts what runs and nothing else, and leaves the operator's files alone.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.instance("billing", "127.0.0.1:6390", broker)
		mine := m.run("cat", configFile)
		m.run("systemctl", "start", "sluice@billing")
		before := m.property("sluice@billing", "MainPID")
		m.install(artifacts(t).newer)
		if got := m.run("cat", configFile); got != mine {
			t.Errorf("the configuration became\n%s", got)
		}
		if state, pid := m.property("sluice@billing", "ActiveState"), m.property("sluice@billing", "MainPID"); state != "active" || pid == before {
			t.Errorf("the instance that ran is %s as process %s, was %s", state, pid, before)
		}
		if got := m.run("readlink", "/proc/"+m.property("sluice@billing", "MainPID")+"/exe"); strings.Contains(got, "deleted") {
			t.Errorf("the old binary still runs: %s", got)
		}
		if state := m.property("sluice", "ActiveState"); state != "inactive" {
			t.Errorf("the service that did not run is %s", state)
		}
		if got := m.run("sluice", "version"); !strings.HasPrefix(got, "sluice "+newVersion+"\n") {
			t.Errorf("sluice version: %s", got)
		}
	})
}

// A configuration that the new version refuses, as one with settings that have another name now, ends nothing that
// runs: the service goes on as it was, and the upgrade says what to correct. Others are restarted.
func TestUpgradeWithAnOldConfiguration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.instance("billing", "127.0.0.1:6390", broker)
		m.run("systemctl", "start", "sluice", "sluice@billing")
		old, other := m.property("sluice", "MainPID"), m.property("sluice@billing", "MainPID")
		m.configure(broker, "drain:\n  grace: 10s\nmember:\n  grace: 5s\n")
		m.write("/etc/sluice/idle.yaml", "640", "subscription:\n  linger: 1h\n")

		out := m.install(artifacts(t).newer)
		for _, want := range []string{
			"sluice: sluice.service was not restarted",
			configFile + ":6:3: drain.grace is called drain_grace now\n",
			configFile + ":8:3: member.grace is called consume.member_grace now\n",
			"systemctl restart sluice.service",
			"/etc/sluice/idle.yaml:2:3: subscription.linger is called consume.linger now\n",
		} {
			if strings.Count(out, want) != 1 {
				t.Errorf("the upgrade does not say once %q:\n%s", want, out)
			}
		}
		if state, pid := m.property("sluice", "ActiveState"), m.property("sluice", "MainPID"); state != "active" || pid != old {
			t.Errorf("the service with the old configuration is %s as process %s, was %s", state, pid, old)
		}
		if got := m.redis("127.0.0.1:6380", "PING"); !strings.HasPrefix(got, "+PONG") {
			t.Errorf("PING is answered with %q", got)
		}
		if state, pid := m.property("sluice@billing", "ActiveState"), m.property("sluice@billing", "MainPID"); state != "active" || pid == other {
			t.Errorf("the instance with a good configuration is %s as process %s, was %s", state, pid, other)
		}

		m.configure(broker, "drain_grace: 10s\n")
		m.run("systemctl", "restart", "sluice")
		if got := m.run("readlink", "/proc/"+m.property("sluice", "MainPID")+"/exe"); strings.Contains(got, "deleted") {
			t.Errorf("the old binary still runs: %s", got)
		}
	})
}

// With the socket active an upgrade is a restart like any other.
func TestUpgradeUnderLoad(t *testing.T) {
	inTurn(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "start", "sluice.socket")
		m.run("systemctl", "start", "sluice")
		r := m.underLoad(broker, loadRuns, func() { m.install(artifacts(t).newer) }, "-each")
		r.nothingLost(t)
		if r.Refused+r.Reset+r.TimedOut > 0 {
			t.Errorf("%d refused, %d ended before an answer, %d without an answer: %v", r.Refused, r.Reset, r.TimedOut, r.Failed)
		}
	})
}

// remove stops what runs and keeps what is the operator's; purge leaves nothing.
func TestRemoveAndPurge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, m *machine) {
		broker := withSluice(m)
		m.run("systemctl", "enable", "--now", "sluice.socket", "sluice")
		m.instance("billing", "127.0.0.1:6390", broker)
		m.run("systemctl", "start", "sluice@billing")
		m.run("dpkg", "--remove", "sluice")
		if out := m.run("systemctl", "list-units", "--all", "--no-legend", "--plain", "--state=active,activating,failed", "sluice*"); out != "" {
			t.Errorf("after the removal:\n%s", out)
		}
		if got := m.redis("127.0.0.1:6380", "PING"); strings.HasPrefix(got, "+") {
			t.Errorf("after the removal PING is answered with %q", got)
		}
		m.run("test", "-e", configFile)
		m.run("test", "-d", "/var/lib/sluice", "-a", "-d", "/var/lib/sluice-billing")

		m.install(artifacts(t).deb)
		m.run("systemctl", "start", "sluice")
		m.run("dpkg", "--purge", "sluice")
		if left := m.output("sh", "-c", "find /etc /usr /run/sluice* /var/lib/sluice* -name '*sluice*' 2>/dev/null"); left != "" {
			t.Errorf("after the purge:\n%s", left)
		}
	})
}
