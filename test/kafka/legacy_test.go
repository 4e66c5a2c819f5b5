//go:build kafka

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// legacy is an old SQL server with the application that writes to it: legacy.py, with SQLite.
type legacy struct {
	db string
}

func openLegacy(t *testing.T, ctx context.Context) *legacy {
	t.Helper()
	harnesstest.Need(t, "python3", "-c", "import sqlite3, sys; assert sys.version_info >= (3, 11)")
	l := &legacy{filepath.Join(t.TempDir(), "orders.db")}
	l.run(t, ctx, "init")
	return l
}

// run does something with the database, and returns what it prints.
func (l *legacy) run(t *testing.T, ctx context.Context, verb string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(ctx, "python3", append([]string{"legacy.py", verb, l.db}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("legacy.py %s: %v\n%s", verb, err, out)
	}
	return string(out)
}

// stall locks the database. The lock ends with the process.
func (l *legacy) stall(t *testing.T, ctx context.Context) (end func()) {
	t.Helper()
	p, err := harness.StartProgram("python3", "legacy.py", "stall", l.db)
	if err != nil {
		t.Fatal(err)
	}
	end = func() { _ = p.Kill() }
	t.Cleanup(end)
	harnesstest.Until(t, ctx, func(context.Context) error {
		if p.Output() == "" {
			return errors.New("the database is not locked")
		}
		return nil
	})
	return end
}

// booking is an order in the database.
type booking struct {
	ID, Customer string
	Seq, Attempt int
}

func (l *legacy) bookings(t *testing.T, ctx context.Context) (all []booking) {
	t.Helper()
	for line := range strings.Lines(l.run(t, ctx, "dump")) {
		var b booking
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, b)
	}
	return all
}

// worker starts a worker, and another one whenever it has ended: an order may kill it.
func (l *legacy) worker(t *testing.T, door, addr, name string) *legacyWorker {
	t.Helper()
	w := &legacyWorker{start: func() (*harness.Process, error) {
		return harness.StartProgram("python3", "legacy.py", "work", door, addr, l.db, name)
	}}
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-w.now().Done():
			case <-ended:
				_ = w.now().Kill()
				return
			}
			if err := w.begin(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	t.Cleanup(func() {
		close(ended)
		all.Wait()
		if t.Failed() {
			t.Logf("worker %s:\n%.20000s", name, w.output())
		}
	})
	return w
}

// legacyWorker is a worker, which may be its process's third.
type legacyWorker struct {
	start func() (*harness.Process, error)

	mu      sync.Mutex
	process *harness.Process
	before  strings.Builder // what earlier processes wrote
}

func (w *legacyWorker) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process != nil {
		w.before.WriteString(w.process.Output())
	}
	p, err := w.start()
	if err == nil {
		w.process = p
	}
	return err
}

func (w *legacyWorker) now() *harness.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.process
}

func (w *legacyWorker) output() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.before.String() + w.process.Output()
}

// killHolding kills the worker while it has a record in hand, at an early attempt: the record is not about to be settled.
func (w *legacyWorker) killHolding(t *testing.T, ctx context.Context, before int) {
	t.Helper()
	harnesstest.Until(t, ctx, func(context.Context) error {
		p := w.now()
		if at := attemptInHand(p.Output()); at == 0 || at >= before {
			return fmt.Errorf("the worker has no record in hand, or at attempt %d", at)
		}
		if err := p.Kill(); err != nil {
			return err
		}
		if attemptInHand(p.Output()) == 0 {
			return errors.New("the worker had none in hand when it died")
		}
		return nil
	})
}

// attemptInHand is the attempt at the record that a worker has in hand, as it said last; 0 for none.
func attemptInHand(output string) int {
	f := strings.Fields(lastLine(output))
	if len(f) != 3 || f[0] != "holds" {
		return 0
	}
	n, _ := strconv.Atoi(f[2]) // 0 is none
	return n
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndex(text, "\n")+1:]
}

// attempts is the highest attempt at a record that the worker was lent.
func (w *legacyWorker) attempts(id string) (most int) {
	for line := range strings.Lines(w.output()) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "holds" || f[1] != id {
			continue
		}
		if n, err := strconv.Atoi(f[2]); err == nil {
			most = max(most, n)
		}
	}
	return most
}
