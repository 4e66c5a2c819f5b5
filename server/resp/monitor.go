package resp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// Bounds of MONITOR: a monitor that is so far behind is cut, rather than waited for, and of all together the one that
// is furthest behind; values are cut and long commands too, because a line is for a person.
const (
	maxMonitors   = 100
	maxBacklog    = 1 << 20
	maxBacklogs   = 16 << 20
	maxShownValue = 64
	maxShownArgs  = 32
)

// monitor is a session that listens: lines for it are queued by the sessions that run commands, and
// sent by its own.
type monitor struct {
	session *session

	mu    sync.Mutex // guards what follows
	lines []byte     // RESP already
	over  bool       // too much was queued
}

// watchers are the monitors of the server. Without any, a command pays one atomic load.
type watchers struct {
	count atomic.Int32
	mu    sync.Mutex // guards what follows
	all   map[*monitor]struct{}
}

var (
	errNoMonitor   = errors.New("MONITOR isn't allowed for DENY BLOCKING client")
	errMonitors    = fmt.Errorf("%d clients run MONITOR already, and more may not", maxMonitors)
	errSlowMonitor = errors.New("its lines of MONITOR were not read fast enough")
)

// watchCommands answers MONITOR: from now on, a line for each command that anybody runs.
func watchCommands(s *session, _ [][]byte) error {
	if s.executing {
		return errNoMonitor
	}
	if s.monitor == nil {
		m := &monitor{session: s}
		if !s.server.watchers.add(m) {
			return errMonitors
		}
		s.monitor = m
		s.show(func(v *visible) { v.monitor = true })
	}
	s.out.OK()
	return nil
}

// add is false when there are enough.
func (w *watchers) add(m *monitor) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) >= maxMonitors {
		return false
	}
	if w.all == nil {
		w.all = map[*monitor]struct{}{}
	}
	w.all[m] = struct{}{}
	w.count.Store(int32(len(w.all)))
	return true
}

func (w *watchers) remove(m *monitor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, m)
	w.count.Store(int32(len(w.all)))
}

// any tells whether anybody listens.
func (w *watchers) any() bool { return w.count.Load() > 0 }

// tell shows a command to everybody who listens.
func (w *watchers) tell(s *session, args [][]byte) {
	line := appendCommand(nil, time.Now(), s.remote(), args)
	w.mu.Lock()
	defer w.mu.Unlock()
	leaving := is(args[0], "reset") // the monitor's own ends before its line
	total, most := 0, 0
	var last *monitor
	for m := range w.all {
		behind := 0
		if m.session != s || !leaving {
			behind = m.push(line)
		}
		if total += behind; behind > most {
			last, most = m, behind
		}
	}
	if total > maxBacklogs {
		last.cut()
	}
}

// push queues a line, or cuts the monitor. It returns how many bytes wait.
func (m *monitor) push(line []byte) (behind int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.over:
	case len(m.lines)+len(line) > maxBacklog:
		m.cutLocked()
	default:
		m.lines = append(m.lines, line...)
		m.session.conn.Wake()
	}
	return len(m.lines)
}

func (m *monitor) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cutLocked()
}

// cutLocked is cut for who holds mu.
func (m *monitor) cutLocked() {
	m.over, m.lines = true, nil
	m.session.kill()
}

// drain moves lines to the replies, as many as are sent at once: the rest waits here, where it is counted. A nil
// monitor has none.
func (m *monitor) drain(out *protocol.Encoder) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lines) <= flushAt {
		out.Raw(m.lines)
		m.lines = nil
		return
	}
	whole := bytes.LastIndexByte(m.lines[:flushAt], '\n') + 1 // a line is shorter
	out.Raw(m.lines[:whole])
	m.lines = m.lines[whole:]
	m.session.conn.Wake()
}

// close ends the listening.
func (m *monitor) close(s *Server) {
	if m != nil {
		s.watchers.remove(m)
	}
}

// fellBehind tells whether the monitor was cut. A nil monitor was not.
func (m *monitor) fellBehind() bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over
}

// appendCommand writes the line of a command as Redis does (replication.c, replicationFeedMonitors).
func appendCommand(line []byte, now time.Time, client string, args [][]byte) []byte {
	line = fmt.Appendf(line, "+%d.%06d [0 %s]", now.Unix(), now.Nanosecond()/1000, client)
	secret := secrets(args)
	for i, arg := range args[:min(len(args), maxShownArgs)] {
		line = append(line, ' ')
		switch {
		case secret(i):
			line = append(line, `"(redacted)"`...)
		case len(arg) > maxShownValue:
			line = protocol.AppendQuoted(line, arg[:maxShownValue])
			line = append(line, "..."...)
		default:
			line = protocol.AppendQuoted(line, arg)
		}
	}
	if more := len(args) - maxShownArgs; more > 0 {
		line = fmt.Appendf(line, " ... (%d more arguments)", more)
	}
	return append(line, "\r\n"...)
}

// secrets tells which arguments of a command are not to be shown: those of AUTH, those after AUTH in
// HELLO (all of them: the first "auth" may be a name), values of CONFIG SET, and whatever names a
// secret, such as the librdkafka properties of a consumer.
func secrets(args [][]byte) func(i int) bool {
	from := len(args)
	switch {
	case is(args[0], "auth"):
		from = 1
	case is(args[0], "hello"):
		if i := index(args, "auth"); i > 0 {
			from = i + 1
		}
	case is(args[0], "config") && len(args) > 1 && is(args[1], "set"):
		from = 2
	}
	return func(i int) bool { return i >= from || namesSecret(args[i]) }
}

// secretWords are parts of the names of librdkafka's sensitive properties (rdkafka_conf.c,
// _RK_SENSITIVE) as they occur in the JSON of a consumer key.
var secretWords = [][]byte{
	[]byte("password"), []byte("secret"), []byte(".pem"), []byte("oauthbearer"), []byte("token"), []byte("credential"),
}

// namesSecret tells whether what is shown of an argument speaks of a secret. In JSON the name comes
// before its value, so what is not shown need not be searched; a topic may well be called tokens.
func namesSecret(arg []byte) bool {
	shown := bytes.ToLower(cut(arg, maxShownValue))
	if bytes.IndexByte(shown, '{') < 0 {
		return bytes.Contains(shown, secretWords[0])
	}
	return slices.ContainsFunc(secretWords, func(word []byte) bool { return bytes.Contains(shown, word) })
}

// index finds a keyword among the arguments, -1 when it is not there.
func index(args [][]byte, keyword string) int {
	for i, arg := range args {
		if is(arg, keyword) {
			return i
		}
	}
	return -1
}
