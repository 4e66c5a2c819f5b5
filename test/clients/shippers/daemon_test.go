//go:build matrix

package shippers

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// daemon is a syslog daemon that is really run. Lines go in at addr, over TCP, and out to sluice.
type daemon struct {
	*harness.Process

	t    *testing.T
	ctx  context.Context
	addr string
}

// shown are the lines of configuration that docs/clients.md shows under a heading of the third level, with the address of
// the door in the place of the usual one.
func shown(t *testing.T, heading, addr string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### "+heading+"\n")
	if !found {
		t.Fatalf("docs/clients.md has no ### %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	var lines []string
	for line := range strings.Lines(section) {
		if config, indented := strings.CutPrefix(line, "    "); indented {
			lines = append(lines, config)
		}
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(strings.Join(lines, ""), "6380", port)
	if !strings.Contains(config, port) {
		t.Fatalf("docs/clients.md shows no port 6380 under ### %s:\n%s", heading, config)
	}
	return config
}

// unpack has packages of Debian, with what they need of others, and returns the folder that they are in.
func unpack(t *testing.T, wanted ...string) (root string) {
	t.Helper()
	return packages.Debian(t, wanted[0], wanted...)
}

// only is the only path that fits a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// freePort is a port of 127.0.0.1 that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(harnesstest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// writeConfig writes a daemon's configuration into a folder and returns its path.
func writeConfig(t *testing.T, dir string, lines ...string) string {
	t.Helper()
	path := filepath.Join(dir, "daemon.conf")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts a program of unpacked packages, with their libraries, and waits until it takes lines at the port.
func run(d *door, root, port, name string, args ...string) *daemon {
	d.t.Helper()
	d.inside = message
	libraries := only(d.t, filepath.Join(root, "usr", "lib", "*-linux-gnu*")) + ":" + filepath.Join(root, "usr", "lib", "syslog-ng")
	p, err := harness.StartProgram("env", append([]string{"LD_LIBRARY_PATH=" + libraries, filepath.Join(root, name)}, args...)...)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Logf("%s says:\n%s", name, p.Output())
		}
		_ = p.Kill()
	})
	addr := net.JoinHostPort("127.0.0.1", port)
	harnesstest.Until(d.t, d.ctx, func(ctx context.Context) error {
		select {
		case <-p.Done():
			d.t.Fatal("it has ended")
		default:
		}
		return harness.Accepts(ctx, addr)
	})
	return &daemon{p, d.t, d.ctx, addr}
}

// log sends lines as a program does that logs over TCP (RFC 3164), and waits until the daemon has read them.
func (d *daemon) log(lines []string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(d.ctx, "tcp", d.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "<13>Dec  1 12:00:00 web-1 app: %s\n", line)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// mustLog is log where nothing else goes on.
func (d *daemon) mustLog(lines []string) {
	d.t.Helper()
	if err := d.log(lines); err != nil {
		d.t.Fatal(err)
	}
}

// starter is a program that is run as a daemon.
type starter interface {
	start(d *door) *daemon
}

// ofMode is how many lines may be lost when sluice is killed: any number of those that PUBLISH has answered from memory.
func ofMode(mode string) int {
	if mode == "PUBLISH" {
		return math.MaxInt
	}
	return 0
}

// overRestart restarts sluice while lines come, so many of which may be lost.
func overRestart(t *testing.T, s starter, politely bool, mayLose int) {
	t.Helper()
	d := open(t, guarded)
	lines := d.logOverRestart(s.start(d), politely)
	d.arrives(lines[len(lines)-1])
	d.tally(lines, losses{mayLose, func(string) bool { return true }})
}

// waitsForSluice logs while sluice is away: all lines arrive when it is back.
func waitsForSluice(t *testing.T, s starter) {
	t.Helper()
	d := open(t, guarded)
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	running, lines := s.start(d), logged(0, 500)
	running.mustLog(lines)
	d.restart(false)
	d.holds(lines)
}

// logOverRestart logs while sluice is restarted, some lines before it, and some after it.
func (d *door) logOverRestart(s *daemon, politely bool) (lines []string) {
	d.t.Helper()
	underWay, restarted, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for i, left := 0, around; left > 0 && err == nil; i++ {
			if i == around {
				close(underWay)
			}
			select {
			case <-restarted:
				left--
			default:
			}
			batch := logged(i*restartBatch, restartBatch)
			lines = append(lines, batch...)
			err = s.log(batch)
		}
		ended <- err
	}()
	<-underWay
	d.restart(politely)
	close(restarted)
	if err := <-ended; err != nil {
		d.t.Fatal(err)
	}
	return lines
}

// logged are n lines that differ, as a program logs them, from a first number on.
func logged(first, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %06d of the log", first+i)
	}
	return lines
}

// message is the line within a record: the daemons write time, host and program in front of it. What they log
// themselves is none.
func message(value string) (line string, ok bool) {
	i := strings.Index(value, "line ")
	if i < 0 {
		return "", false
	}
	return value[i:], true
}
