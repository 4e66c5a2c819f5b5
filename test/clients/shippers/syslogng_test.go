//go:build matrix

package shippers

import (
	"path/filepath"
	"strings"
	"testing"
)

// syslogNG is Debian's syslog-ng, with what docs/clients.md shows, changed by pairs of old and new.
type syslogNG struct {
	root    string // where its packages are unpacked
	changes []string
}

func (s *syslogNG) start(d *door) *daemon {
	d.t.Helper()
	in, dir := freePort(d.t), d.t.TempDir()
	config := writeConfig(d.t, dir,
		"@version: 3.38",
		"source s_src { network(ip(127.0.0.1) port("+in+") transport(tcp)); };",
		strings.NewReplacer(s.changes...).Replace(shown(d.t, "syslog-ng", d.Addr)))
	modules := only(d.t, filepath.Join(s.root, "usr", "lib", "syslog-ng", "[0-9]*"))
	return run(d, s.root, in, filepath.Join("usr", "sbin", "syslog-ng"), "--foreground", "--no-caps", "--module-path", modules,
		"--cfgfile", config, "--persist-file", filepath.Join(dir, "persist"), "--pidfile", filepath.Join(dir, "pid"),
		"--control", filepath.Join(dir, "control"))
}

// syslogNGModes are the ways in which syslog-ng may send: changes of what is shown.
var syslogNGModes = map[string][]string{
	"a line at a time": nil,
	"batches":          {`command("RPUSH"`, `batch-lines(100) command("RPUSH"`},
	"PUBLISH":          {`command("RPUSH"`, `command("PUBLISH"`},
}

func TestSyslogNG(t *testing.T) {
	root := unpack(t, "syslog-ng-core", "syslog-ng-mod-redis")
	for mode, changes := range syslogNGModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d, lines := open(t, guarded), logged(0, 1000)
			(&syslogNG{root, changes}).start(d).mustLog(lines)
			d.holds(lines)
		})
	}
}

func TestSyslogNGOverRestarts(t *testing.T) {
	root := unpack(t, "syslog-ng-core", "syslog-ng-mod-redis")
	for mode, changes := range syslogNGModes {
		t.Run(mode+", SIGTERM", func(t *testing.T) {
			t.Parallel()
			overRestart(t, &syslogNG{root, changes}, true, 0)
		})
		t.Run(mode+", kill -9", func(t *testing.T) {
			t.Parallel()
			overRestart(t, &syslogNG{root, changes}, false, ofMode(mode))
		})
	}
}

// While sluice is away, syslog-ng keeps the lines.
func TestSyslogNGWaitsForSluice(t *testing.T) {
	waitsForSluice(t, &syslogNG{unpack(t, "syslog-ng-core", "syslog-ng-mod-redis"), nil})
}

// A line that sluice refuses is sent again, and the lines behind it wait.
func TestSyslogNGTriesAgain(t *testing.T) {
	s := &syslogNG{unpack(t, "syslog-ng-core", "syslog-ng-mod-redis"), nil}
	d, lines := openWithout(t, guarded), logged(0, 100)
	s.start(d).mustLog(lines)
	d.refuses()
	d.createTopic()
	d.holds(lines)
}
