package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// worker is a running client process.
type worker struct {
	task    task
	role    string // stays the same when it is killed and replaced
	lives   int    // how many of the role there were before
	command *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when it has ended and its last event is recorded
}

// hire starts a client process whose events go to the recorder.
func hire(t task, to *recorder) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	w := &worker{task: t, ended: make(chan struct{})}
	w.command = exec.Command(self)
	w.command.Env = append(os.Environ(), clientVariable+"="+string(text))
	w.command.Stderr = os.Stderr
	stdin, err1 := w.command.StdinPipe() // a client stops when it ends, also because we died
	stdout, err2 := w.command.StdoutPipe()
	if err := errors.Join(err1, err2, w.command.Start()); err != nil {
		return nil, fmt.Errorf("start client %s: %w", t.Name, err)
	}
	w.stdin = stdin
	go func() {
		defer close(w.ended)
		to.read(t.Name, stdout)
		_ = w.command.Wait() // a killed client is no error
	}()
	return w, nil
}

// kill ends the process with SIGKILL.
func (w *worker) kill() {
	_ = w.command.Process.Kill()
	<-w.ended
}

// stopPatience is how long a client may take to end when told to, before it is killed.
const stopPatience = patience + 10*time.Second

// stop lets the client finish what it is doing.
func (w *worker) stop() error {
	_ = w.stdin.Close()
	select {
	case <-w.ended:
		return nil
	case <-time.After(stopPatience):
		w.kill()
		return fmt.Errorf("client %s did not end", w.task.Name)
	}
}

// crew is the clients of one trial.
type crew struct {
	recorder *recorder
	workers  []*worker
}

func (c *crew) hire(role string, t task) error {
	t.Name = role + ".1"
	w, err := hire(t, c.recorder)
	if err != nil {
		return err
	}
	w.role = role
	c.workers = append(c.workers, w)
	return nil
}

// replace kills the nth client, modulo their number, and starts another in its place. Every other
// time a consumer comes back under another name, as on another host.
func (c *crew) replace(n int) error {
	i := n % len(c.workers)
	old := c.workers[i]
	old.kill()
	t := old.task
	t.Name = fmt.Sprintf("%s.%d", old.role, old.lives+2)
	if t.Member != "" && !t.Web && old.lives%2 == 1 {
		t.Member += "x"
	}
	w, err := hire(t, c.recorder)
	if err != nil {
		return err
	}
	w.role, w.lives = old.role, old.lives+1
	c.workers[i] = w
	return nil
}

// stop ends the producers, or the consumers.
func (c *crew) stop(consumers bool) error {
	var chosen, rest []*worker
	for _, w := range c.workers {
		if (w.task.Member != "") == consumers {
			chosen = append(chosen, w)
		} else {
			rest = append(rest, w)
		}
	}
	c.workers = rest
	errs := make([]error, len(chosen))
	var wg sync.WaitGroup
	for i, w := range chosen {
		wg.Go(func() { errs[i] = w.stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// dismiss kills whoever is left.
func (c *crew) dismiss() {
	for _, w := range c.workers {
		w.kill()
	}
	c.workers = nil
}
