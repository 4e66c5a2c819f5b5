//go:build clients

package pages

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// patience bounds each thing that the tests wait for.
const patience = time.Minute

// shell is a reader's: a folder that was empty, and variables.
type shell struct {
	dir string
	env []string
}

// running is a command that bash runs, in a process group of its own, and what it has printed.
type running struct {
	command string
	cmd     *exec.Cmd
	done    chan struct{} // closed when it has been waited for

	mu      sync.Mutex
	printed bytes.Buffer
}

// Write collects what the command prints.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.printed.Write(p)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.printed.String()
}

// start runs a command line. The group of its processes ends with the test.
func (s *shell) start(t *testing.T, command, stdin string) *running {
	t.Helper()
	r := &running{command: command, cmd: exec.Command("bash", "-c", command), done: make(chan struct{})}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdin = s.dir, append(os.Environ(), s.env...), strings.NewReader(stdin)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if _, last, _ := cutLast(command, " | "); strings.HasPrefix(last, "redis-cli ") {
		r.cmd.Env = append(r.cmd.Env, "FAKETTY=1") // it prints as on a terminal, where it would print
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // the status is read from ProcessState
		close(r.done)
	}()
	t.Cleanup(r.kill)
	return r
}

// kill is kill -9 of the whole group.
func (r *running) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-r.done
}

// terminate is SIGTERM to the worker alone, as a supervisor sends it.
func (r *running) terminate(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// status waits for the end, and returns the exit status.
func (r *running) status(t *testing.T) int {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		t.Fatalf("%s has not ended; it printed\n%s", r.command, r.output())
	}
	return r.cmd.ProcessState.ExitCode()
}

// ends waits for the end, which must be good.
func (r *running) ends(t *testing.T) {
	t.Helper()
	if status := r.status(t); status != 0 {
		t.Fatalf("%s ended with %d; it printed\n%s", r.command, status, r.output())
	}
}

// prints waits until it has printed a text, behind the first from bytes.
func (r *running) prints(t *testing.T, text string, from int) {
	t.Helper()
	r.until(t, func() error {
		if !strings.Contains(r.output()[from:], text) {
			return fmt.Errorf("%q was not printed", text)
		}
		return nil
	})
}

// until waits for what the running command must bring about.
func (r *running) until(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := harness.Until(ctx, func(context.Context) error {
		select {
		case <-r.done:
			cancel()
		default:
		}
		return check()
	})
	if err != nil {
		t.Fatalf("%s: %v; it printed\n%s", r.command, err, r.output())
	}
}

// open makes the folder. curl shows no progress there, as on a terminal.
func open(t *testing.T) *shell {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("silent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &shell{dir: t.TempDir(), env: []string{"CURL_HOME=" + home}}
}

// programs pastes the programs of a page, and returns its steps.
func (s *shell) programs(t *testing.T, sluice *harness.Sluice, l *language) (all []step) {
	t.Helper()
	for _, step := range steps(t, l.document(), "") {
		step = step.at(sluice)
		if step.paste != "" {
			s.start(t, step.paste, "").ends(t)
		}
		all = append(all, step)
	}
	return all
}

// sluice is what `make run` starts, at addresses of its own.
func sluice(t *testing.T, args ...string) harness.SluiceOptions {
	t.Helper()
	return harness.SluiceOptions{Binary: harnesstest.Binary(), Addr: harnesstest.FreeAddr(t), HTTP: harnesstest.FreeAddr(t), Args: args}
}
