// Package monitor shows the commands of all clients to those clients that sent MONITOR.
package monitor

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// Max is how many clients may monitor.
const Max = 100

// A monitor that is too far behind is cut instead of waited for. Of all monitors together the one that is furthest
// behind is cut.
const (
	maxBacklog  = 1 << 20  // bytes that wait for one monitor
	maxBacklogs = 16 << 20 // bytes that wait for all monitors
)

// Monitors are the clients that monitor. The zero value has none. While there is none, a command costs one atomic load.
type Monitors struct {
	n   atomic.Int32
	mu  sync.Mutex // guards what follows
	all map[*Monitor]struct{}
}

// Monitor is the queue of one client that monitors. Sessions that run commands put lines into it; the client's own
// session sends them. A nil Monitor has no lines.
type Monitor struct {
	wake, cut func() // of the client's session

	mu    sync.Mutex // guards what follows
	lines []byte     // encoded
	over  bool       // the client was cut: too many lines waited
}

// Add makes a client monitor; nil when there are enough already. wake makes its session call MoveTo, cut ends it.
func (m *Monitors) Add(wake, cut func()) *Monitor {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.all) >= Max {
		return nil
	}
	if m.all == nil {
		m.all = map[*Monitor]struct{}{}
	}
	added := &Monitor{wake: wake, cut: cut}
	m.all[added] = struct{}{}
	m.n.Store(int32(len(m.all)))
	return added
}

// Remove ends the monitoring of a client; nil is nobody.
func (m *Monitors) Remove(gone *Monitor) {
	if gone == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, gone)
	m.n.Store(int32(len(m.all)))
}

// Any tells whether anybody monitors.
func (m *Monitors) Any() bool { return m.n.Load() > 0 }

// Show shows a command to all that monitor. client is the address of the client that sent it, own is the client's own
// monitor or nil.
func (m *Monitors) Show(client string, own *Monitor, args [][]byte) {
	line := appendCommand(nil, time.Now(), client, args)
	m.mu.Lock()
	defer m.mu.Unlock()
	reset := protocol.Is(args[0], "reset") // ends the client's own monitoring before the line
	total, most := 0, 0
	var furthest *Monitor
	for each := range m.all {
		behind := 0
		if each != own || !reset {
			behind = each.push(line)
		}
		if total += behind; behind > most {
			furthest, most = each, behind
		}
	}
	if total > maxBacklogs {
		furthest.end()
	}
}

// push queues a line, or cuts the client. It returns how many bytes wait.
func (m *Monitor) push(line []byte) (behind int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.over:
	case len(m.lines)+len(line) > maxBacklog:
		m.endLocked()
	default:
		m.lines = append(m.lines, line...)
		m.wake()
	}
	return len(m.lines)
}

func (m *Monitor) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked()
}

// endLocked cuts the client. The lock is held.
func (m *Monitor) endLocked() {
	m.over, m.lines = true, nil
	m.cut()
}

// MoveTo moves whole lines to the replies, at most so many bytes. The rest waits here, where it is counted.
func (m *Monitor) MoveTo(out *protocol.Encoder, most int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lines) <= most {
		out.Raw(m.lines)
		m.lines = nil
		return
	}
	whole := bytes.LastIndexByte(m.lines[:most], '\n') + 1 // a line is shorter
	out.Raw(m.lines[:whole])
	m.lines = m.lines[whole:]
	m.wake()
}

// WasCut tells whether the client was cut because it did not read its lines fast enough.
func (m *Monitor) WasCut() bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over
}
