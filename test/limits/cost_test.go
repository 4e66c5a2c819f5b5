package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const mebi = 1 << 20

// cost is what the proxy has taken of the machine.
type cost struct {
	rss  int           // resident memory in bytes
	peak int           // the most it was since resetPeak
	cpu  time.Duration // user and system time
}

func (p *proxy) cost(t *testing.T) cost {
	t.Helper()
	return cost{rss: p.memory(t, "VmRSS"), peak: p.memory(t, "VmHWM"), cpu: p.cpu(t)}
}

// memory reads a line of proc(5)'s status file, in bytes.
func (p *proxy) memory(t *testing.T, field string) int {
	t.Helper()
	for line := range strings.Lines(p.read(t, "status")) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kibi, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kibi << 10
		}
	}
	t.Fatalf("no %s in the status of the process", field)
	return 0
}

// ticks is how many units of its stat file the kernel counts a second (USER_HZ, an ABI constant).
const ticks = 100

// cpu is utime and stime, fields 14 and 15 of proc(5)'s stat file, whose second field may contain
// anything but ends with the last parenthesis.
func (p *proxy) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat := p.read(t, "stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	sum := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

func (p *proxy) read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.PID(), file))
	if err != nil {
		t.Skip("needs the proc file system of Linux:", err)
	}
	return string(b)
}

// resetPeak makes VmHWM start again from now (proc(5), clear_refs).
func (p *proxy) resetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// descriptors is how many files and sockets the proxy has open.
func (p *proxy) descriptors(t *testing.T) int {
	t.Helper()
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// The proxy counts as idle when it takes no more of a processor in a window: librdkafka's and the broker's timers take
// some.
const (
	calm       = 20 * time.Millisecond
	calmWindow = 200 * time.Millisecond
)

// settleDown waits until the proxy does nothing any more; one that spins never does.
func (p *proxy) settleDown(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(calmWindow)
	defer tick.Stop()
	for before := p.cpu(t); ; {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			t.Fatal("the proxy does not come to rest")
		}
		now := p.cpu(t)
		if now-before <= calm {
			return
		}
		before = now
	}
}

// attack runs what a stranger does, while another client is served, and checks what it cost: at most
// growth bytes of memory at its peak, no spinning afterwards, no client kept waiting.
func (p *proxy) attack(t *testing.T, growth int, do func()) {
	t.Helper()
	p.resetPeak(t)
	before := p.cost(t)
	w := p.witness(t)
	stop := w.watch()
	do()
	served, control := stop()
	p.settleDown(t)
	after := p.cost(t)
	t.Logf("memory %+.1f MiB, peak %+.1f MiB, cpu %s, meanwhile %d pings, and %d of a server that nobody attacks",
		float64(after.rss-before.rss)/mebi, float64(after.peak-before.rss)/mebi, after.cpu-before.cpu, served, control)
	if grown := after.peak - before.rss; grown > growth {
		t.Errorf("memory grew by %d MiB, more than %d MiB", grown/mebi, growth/mebi)
	}
	if served < control/leastShare {
		t.Errorf("another client got %d answers, and %d of a server that nobody attacks", served, control)
	}
}
