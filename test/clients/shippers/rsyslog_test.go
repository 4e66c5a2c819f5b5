//go:build matrix

package shippers

import (
	"path/filepath"
	"strings"
	"testing"
)

// rsyslog is Debian's, with what docs/clients.md shows, changed by pairs of old and new.
type rsyslog struct {
	root    string // where its packages are unpacked
	changes []string
}

func (r *rsyslog) start(d *door) *daemon {
	d.t.Helper()
	in, dir := freePort(d.t), d.t.TempDir()
	config := writeConfig(d.t, dir,
		`global(workDirectory="`+dir+`")`,
		`module(load="imtcp")`,
		`input(type="imtcp" address="127.0.0.1" port="`+in+`")`,
		strings.NewReplacer(r.changes...).Replace(shown(d.t, "rsyslog", d.Addr)))
	modules := only(d.t, filepath.Join(r.root, "usr", "lib", "*", "rsyslog"))
	return run(d, r.root, in, filepath.Join("usr", "sbin", "rsyslogd"),
		"-n", "-M", modules, "-f", config, "-i", filepath.Join(dir, "pid"))
}

// rsyslogModes are the ways in which omhiredis may send: changes of what is shown.
var rsyslogModes = map[string][]string{
	"RPUSH":   nil,
	"LPUSH":   {`userpush="on"`, `userpush="off"`},
	"PUBLISH": {`mode="queue" userpush="on"`, `mode="publish"`},
}

func TestRsyslog(t *testing.T) {
	root := unpack(t, "rsyslog", "rsyslog-hiredis")
	for mode, changes := range rsyslogModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d, lines := open(t, guarded), logged(0, 5000)
			(&rsyslog{root, changes}).start(d).mustLog(lines)
			d.holds(lines)
		})
	}
}

// A batch that was cut is sent again as a whole: its lines may be there twice. A line that came alone may be lost when
// sluice is told to stop, because this rsyslog looks at no answer.
func TestRsyslogOverRestarts(t *testing.T) {
	root := unpack(t, "rsyslog", "rsyslog-hiredis")
	for mode, changes := range rsyslogModes {
		t.Run(mode+", SIGTERM", func(t *testing.T) {
			t.Parallel()
			overRestart(t, &rsyslog{root, changes}, true, 1)
		})
		t.Run(mode+", kill -9", func(t *testing.T) {
			t.Parallel()
			overRestart(t, &rsyslog{root, changes}, false, ofMode(mode))
		})
	}
}

// While sluice is away, rsyslog keeps the lines.
func TestRsyslogWaitsForSluice(t *testing.T) {
	waitsForSluice(t, &rsyslog{unpack(t, "rsyslog", "rsyslog-hiredis"), nil})
}

// What sluice refuses is lost, and rsyslog 8.2302 goes on with the next line.
func TestRsyslogGoesOnBehindARefusal(t *testing.T) {
	r := &rsyslog{unpack(t, "rsyslog", "rsyslog-hiredis"), nil}
	d := openWithout(t, guarded)
	s := r.start(d)
	s.mustLog(logged(0, 100))
	d.refuses()
	d.createTopic()
	d.takes()
	after := logged(100, 100)
	s.mustLog(after)
	d.tally(after, losses{})
}
