//go:build systemd

package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

const (
	bootPatience    = time.Minute // 0.4 s on a quiet machine
	stopPatience    = time.Minute
	commandPatience = 2 * time.Minute

	// askEvery is how often a machine is asked for what is awaited. Each question is some processes, and
	// those of a few tests at once would be all that the machine does.
	askEvery = 200 * time.Millisecond
)

// machine is a booted Debian. Its disk is a layer in memory above the suite's tree.
type machine struct {
	t      *testing.T
	suite  string
	nspawn *exec.Cmd
	ended  chan struct{} // closed when nspawn has been waited for
	out    *bytes.Buffer // what nspawn said; to be read when ended is closed
	leader int           // process id of its systemd, as this machine sees it

	// life ends when the machine is to stop, and with it all commands that run inside.
	life context.Context
	end  context.CancelFunc
}

// boot starts a fresh machine that ends with the test.
func boot(t *testing.T, suite string) *machine {
	t.Helper()
	needContainer(t)
	root := tree(t, suite)
	name := groupName(strconv.FormatInt(time.Now().UnixNano(), 36))
	groups, err := makeCgroups(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		// What was killed takes a moment to leave its group.
		if err := harness.Until(ctx, func(context.Context) error { return removeCgroups(groups) }); err != nil {
			t.Errorf("control groups left behind: %v", err)
		}
	})
	m := &machine{t: t, suite: suite, ended: make(chan struct{}), out: &bytes.Buffer{}}
	m.life, m.end = context.WithCancel(context.Background())
	m.start(root, name, groups)
	t.Cleanup(func() {
		m.stop()
		_ = os.Remove("/run/systemd/nspawn/propagate/" + name) // nspawn's, if it had to be killed
	})
	m.awaitBooted()
	return m
}

// nspawnIn enters the control groups in $GROUPS before it becomes systemd-nspawn, so that the
// container's systemd finds them as the roots of its own.
const nspawnIn = `for g in $GROUPS; do echo $$ >"$g/cgroup.procs" || exit 1; done; exec systemd-nspawn "$@"`

func (m *machine) start(root, name string, groups []string) {
	m.t.Helper()
	m.nspawn = exec.Command("sh", "-c", nspawnIn, "sh",
		"--quiet", "--directory="+root, "--volatile=overlay", // nothing is written to the tree
		"--register=no", "--keep-unit", // no word with this machine's own systemd, if it has one
		"--private-network", "--console=pipe", "--machine="+name, "--boot",
		// systemd 257 wants to be told that the old control groups will do, where a machine has them.
		"SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")
	m.nspawn.Env = append(os.Environ(), "GROUPS="+strings.Join(groups, " "))
	m.nspawn.Stdout, m.nspawn.Stderr = m.out, m.out
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := m.nspawn.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		_ = m.nspawn.Wait() // how it ended is seen by what it did
		close(m.ended)
	}()
}

// awaitBooted finds the container's systemd and waits until it has started what it wants to.
func (m *machine) awaitBooted() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bootPatience)
	defer cancel()
	err := harness.Until(ctx, func(ctx context.Context) error {
		select {
		case <-m.ended:
			cancel()
			return fmt.Errorf("systemd-nspawn ended: %s", m.out.Bytes())
		default:
		}
		if m.leader = m.findLeader(); m.leader == 0 {
			return errors.New("no systemd yet")
		}
		out, _ := m.command(ctx, nil, "systemctl", "is-system-running").Output()
		if state := strings.TrimSpace(string(out)); state != "running" && state != "degraded" {
			return fmt.Errorf("systemd is %q", state)
		}
		return nil
	})
	if err != nil {
		m.t.Fatalf("Debian %s did not boot: %v", m.suite, err)
	}
}

// findLeader returns the process id of the container's systemd, 0 while there is none: nspawn's
// first child only makes the namespaces.
func (m *machine) findLeader() int {
	pid := strconv.Itoa(m.nspawn.Process.Pid)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	for child := range strings.FieldsSeq(string(children)) {
		if comm, _ := os.ReadFile("/proc/" + child + "/comm"); string(comm) == "systemd\n" {
			leader, _ := strconv.Atoi(child)
			return leader
		}
	}
	return 0
}

// stop powers the machine off and makes sure that it is gone.
func (m *machine) stop() {
	if m.t.Failed() {
		m.t.Logf("the journal of Debian %s:\n%s", m.suite, m.output("journalctl", "--no-pager", "--lines=150", "--unit=sluice*", "--unit=kafka*"))
	}
	m.end()
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if m.leader != 0 {
		// Else each sluice would wait for the clients and the broker that go down with it.
		_ = m.command(ctx, nil, "systemctl", "kill", "--signal=KILL", "sluice*.service", "kafka.service").Run()
		_ = m.command(ctx, nil, "systemctl", "poweroff").Run()
	}
	select {
	case <-m.ended:
	case <-ctx.Done():
		m.t.Errorf("Debian %s did not power off", m.suite)
		_ = m.nspawn.Process.Kill() // the container's systemd dies with it
		<-m.ended
	}
}

// command is a program to be run inside.
func (m *machine) command(ctx context.Context, stdin io.Reader, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{
		"--target=" + strconv.Itoa(m.leader),
		"--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--",
	}, args...)...)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
		"TERM=dumb", "SYSTEMD_PAGER=", "DEBIAN_FRONTEND=noninteractive",
	}
	cmd.Stdin = stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// in is the machine for a test within its test.
func (m *machine) in(t *testing.T) *machine {
	c := *m
	c.t = t
	return &c
}

// attempt runs a command inside and returns all it wrote and its exit status. The error is that of a
// command that could not be run, or was not done in time.
func (m *machine) attempt(patience time.Duration, args ...string) (out string, status int, err error) {
	ctx, cancel := context.WithTimeout(m.life, patience)
	defer cancel()
	cmd := m.command(ctx, nil, args...)
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return string(text), -1, fmt.Errorf("%s: not done after %v\n%s", strings.Join(args, " "), patience, text)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", -1, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return string(text), cmd.ProcessState.ExitCode(), nil
}

// try is attempt for a command that ends.
func (m *machine) try(args ...string) (out string, status int) {
	m.t.Helper()
	out, status, err := m.attempt(commandPatience, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out, status
}

// run is try for a command that must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, status := m.try(args...)
	if status != 0 {
		m.t.Fatalf("%s: exit status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

// output is try for a command whose status does not matter.
func (m *machine) output(args ...string) string {
	m.t.Helper()
	out, _ := m.try(args...)
	return out
}

// write makes a file inside, with its folder.
func (m *machine) write(path, mode, content string) {
	m.t.Helper()
	m.copyIn(path, mode, strings.NewReader(content))
}

// put copies a file of this machine to a path inside.
func (m *machine) put(path, mode, from string) {
	m.t.Helper()
	f, err := os.Open(from)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	m.copyIn(path, mode, f)
}

// copyIn replaces a file, as an editor or dpkg does: what runs from the old one goes on.
func (m *machine) copyIn(path, mode string, content io.Reader) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	const script = `mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"`
	if out, err := m.command(ctx, content, "sh", "-c", script, "sh", path, mode).CombinedOutput(); err != nil {
		m.t.Fatalf("write %s: %v\n%s", path, err, out)
	}
}

// await runs a command inside until what it writes is to the taste of ok.
func (m *machine) await(patience time.Duration, what string, ok func(out string) bool, args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last string
	err := harness.UntilEvery(ctx, askEvery, func(context.Context) error {
		if last = m.output(args...); ok(last) {
			return nil
		}
		return errors.New(what)
	})
	if err != nil {
		m.t.Fatalf("%v\n%s:\n%s", err, strings.Join(args, " "), last)
	}
	return last
}
