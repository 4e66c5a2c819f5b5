package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// killPatience is how long a child may take to vanish after SIGKILL before something is very wrong.
const killPatience = 10 * time.Second

// Process is a child and the end of what it wrote to stdout and stderr.
type Process struct {
	cmd  *exec.Cmd
	out  output
	done chan struct{} // closed when the child has been waited for
}

// start runs name with args. The child dies with us, whichever way we end (on Linux).
func start(name string, args ...string) (*Process, error) {
	return launch(exec.Command(name, args...))
}

// StartProgram runs a program that is not ours; it ends with us, too.
func StartProgram(name string, args ...string) (*Process, error) { return start(name, args...) }

func launch(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	go func() {
		_ = p.cmd.Wait() // the status is read from ProcessState
		close(p.done)
	}()
	return p, nil
}

// Output is the last MiB of what the child wrote.
func (p *Process) Output() string { return p.out.String() }

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed once the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends sig; it is an error when the child has ended.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Wait returns the exit status; -1 means that a signal ended the child.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("process %d has not ended: %w\n%s", p.PID(), ctx.Err(), p.Output())
	}
}

// Stop sends SIGTERM and returns the exit status.
func (p *Process) Stop(ctx context.Context) (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	return p.Wait(ctx)
}

// Kill sends SIGKILL and waits for the end. Killing what has ended is no error.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), killPatience)
	defer cancel()
	_, err := p.Wait(ctx)
	return err
}

// ready waits until check is content, and reports the child's own words if it ends before that.
func (p *Process) ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := Until(ctx, check)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s did not become ready: %w\n%s", filepath.Base(p.cmd.Path), err, p.Output())
}
