package operations

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// notifySocket is what systemd opens as NOTIFY_SOCKET, and every message that came.
type notifySocket struct {
	path string

	mu       sync.Mutex
	messages []message
}

// message is one datagram.
type message struct {
	text string
	at   time.Time
}

// has tells whether one of the lines is the field.
func (m message) has(field string) bool { return slices.Contains(strings.Split(m.text, "\n"), field) }

// value is what a field of the message says.
func (m message) value(name string) (value string, found bool) {
	for line := range strings.SplitSeq(m.text, "\n") {
		if value, found = strings.CutPrefix(line, name+"="); found {
			return value, true
		}
	}
	return "", false
}

func listenNotify(t *testing.T) *notifySocket {
	t.Helper()
	n := &notifySocket{path: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		conn.Close()
		reading.Wait()
	})
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for {
			size, err := conn.Read(buffer)
			if err != nil {
				return
			}
			n.note(string(buffer[:size]))
		}
	})
	return n
}

func (n *notifySocket) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.messages = append(n.messages, message{text, time.Now()})
}

func (n *notifySocket) all() []message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.messages)
}

// status is the line of `systemctl status` now.
func (n *notifySocket) status() string {
	status := ""
	for _, m := range n.all() {
		if text, found := m.value("STATUS"); found {
			status = text
		}
	}
	return status
}

// awaitStatus waits until the line contains the words.
func (n *notifySocket) awaitStatus(t *testing.T, ctx context.Context, words string) {
	t.Helper()
	harnesstest.Until(t, ctx, func(context.Context) error {
		if now := n.status(); !strings.Contains(now, words) {
			return fmt.Errorf("the status is %q, not %q", now, words)
		}
		return nil
	})
}

// awaitMessage waits for a message with a field after the first so many, and returns its index.
func (n *notifySocket) awaitMessage(t *testing.T, ctx context.Context, after int, field string) int {
	t.Helper()
	at := -1
	harnesstest.Until(t, ctx, func(context.Context) error {
		all := n.all()
		for i := after; i < len(all); i++ {
			if all[i].has(field) {
				at = i
				return nil
			}
		}
		return fmt.Errorf("no %s among %d messages", field, len(all)-after)
	})
	return at
}

// pings are the times of the watchdog's pings.
func (n *notifySocket) pings() (at []time.Time) {
	for _, m := range n.all() {
		if m.has("WATCHDOG=1") {
			at = append(at, m.at)
		}
	}
	return at
}

// steps are the messages in their order, the names and fixed values of their fields only, without
// pings and without those that bring nothing but a status, whose number depends on the time.
func (n *notifySocket) steps() (steps []string) {
	for _, m := range n.all() {
		var fields []string
		for field := range strings.SplitSeq(m.text, "\n") {
			if name, _, _ := strings.Cut(field, "="); name == "STATUS" || name == "MONOTONIC_USEC" {
				field = name
			}
			fields = append(fields, field)
		}
		if step := strings.Join(fields, " "); step != "STATUS" && step != "WATCHDOG=1" {
			steps = append(steps, step)
		}
	}
	return steps
}
