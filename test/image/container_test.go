//go:build image

package image

import (
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startPatience = time.Minute
	stopPatience  = time.Minute
)

// container is a root that a process runs in. It has the machine's network, as with docker run --network host.
type container struct {
	t        *testing.T
	root     string
	settings settings
}

// process is a started command and what it has written.
type process struct {
	cmd   *exec.Cmd
	out   bytes.Buffer // to be read when ended is closed
	ended chan struct{}
}

// command is a program in the container: in its root and its environment, as its user, and as the first process of a
// process table of its own.
func (c *container) command(args ...string) *exec.Cmd {
	c.t.Helper()
	uid, gid, _ := strings.Cut(c.settings.User, ":")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = c.settings.Env
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     c.root,
		Credential: &syscall.Credential{Uid: number(c.t, uid), Gid: number(c.t, gid)},
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		t.Fatalf("the image's user is %q: two numbers are wanted, and not root", text)
	}
	return uint32(n)
}

// run starts the image with arguments for docker run, or without, and ends it with the test.
func (c *container) run(args ...string) *process {
	c.t.Helper()
	if len(args) == 0 {
		args = c.settings.Cmd
	}
	return c.start(c.command(append(c.settings.Entrypoint, args...)...))
}

// enterReadOnly makes the root $1 read-only but for the volume, and runs the rest as the user $2. The mounts are gone with
// the process.
const enterReadOnly = `mount --bind "$1" "$1" && mount --bind "$1/var/lib/sluice" "$1/var/lib/sluice" &&
	mount -o remount,bind,ro "$1" && root=$1 user=$2 && shift 2 && exec chroot --userspec="$user" "$root" "$@"`

// runReadOnly is run as another user, who can write to the volume only.
func (c *container) runReadOnly(user string, args ...string) *process {
	c.t.Helper()
	wrapped := append([]string{"--mount", "sh", "-c", enterReadOnly, "sh", c.root, user}, c.settings.Entrypoint...)
	cmd := exec.Command("unshare", append(wrapped, args...)...)
	cmd.Env = c.settings.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c.start(cmd)
}

func (c *container) start(cmd *exec.Cmd) *process {
	c.t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its status is in ProcessState
		close(p.ended)
	}()
	c.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if c.t.Failed() {
			c.t.Logf("%s wrote:\n%s", strings.Join(cmd.Args, " "), &p.out)
		}
	})
	return p
}

// exec runs a program in the container to its end, and returns what it printed.
func (c *container) exec(args ...string) string {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// stop sends the signal that docker stop sends, and wants exit status 0.
func (c *container) stop(p *process) {
	c.t.Helper()
	if c.settings.StopSignal != "SIGTERM" && c.settings.StopSignal != "" {
		c.t.Errorf("the image is stopped with %s", c.settings.StopSignal)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	select {
	case <-p.ended:
	case <-ctx.Done():
		c.t.Fatalf("not stopped %s after SIGTERM", stopPatience)
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		c.t.Errorf("exit status %d after SIGTERM", status)
	}
}
