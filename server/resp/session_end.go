package resp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// sessionEnd is how a session ends.
type sessionEnd struct {
	quit   bool          // the client sent QUIT
	killed atomic.Bool   // somebody else ended it
	done   chan struct{} // closed when it has ended
}

// drainState is what a session needs to know while the server drains.
type drainState struct {
	served      bool      // the client has asked for something before the drain began
	lastCommand time.Time // during the drain
	unanswered  bool      // a produce of a pipeline was refused without an answer
}

// deadline is when the next wait for the client must end; the zero time is never.
func (s *session) deadline() time.Time {
	var until time.Time
	sooner := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if pending := s.producer.pending; len(pending) > 0 {
		sooner(pending[0].since.Add(s.opts.AckTimeout))
	}
	if !s.input.partial.IsZero() {
		sooner(s.input.partial.Add(s.opts.CommandTimeout))
	}
	if !s.login.authenticated {
		sooner(s.info.connected.Add(s.opts.AuthTimeout))
	}
	if s.server.drain.begun.Load() {
		if at := s.closeAt(); time.Now().Before(at) {
			sooner(at)
		}
	}
	return until
}

// The reasons for which sluice ends a session whose client did not ask for it.
var (
	errSlowCommand = errors.New("command not finished in time")
	errSlowAuth    = errors.New("not authenticated in time")
	errSlowMonitor = errors.New("its lines of MONITOR were not read fast enough")
	errDrained     = errors.New("sluice is stopping")
	errKilled      = errors.New("killed")
	errQuit        = errors.New("goodbye")
	errHTTP        = errors.New("possible SECURITY ATTACK: HTTP sent to the Redis port")
)

// endReason tells why a session that has nothing to do must end now; nil when it may wait.
func (s *session) endReason() error {
	switch {
	case s.end.killed.Load():
		return errKilled
	case !s.input.partial.IsZero() && time.Since(s.input.partial) >= s.opts.CommandTimeout && !s.conn.Unread():
		return errSlowCommand // if its bytes are there, sluice was slow and not the client
	case !s.login.authenticated && time.Since(s.info.connected) >= s.opts.AuthTimeout:
		return errSlowAuth
	case s.server.drain.begun.Load() && s.owesNothing() && !time.Now().Before(s.closeAt()) && !s.hasUnread():
		return errDrained
	}
	return nil
}

// closeAt is when a session that owes nothing may end during a drain. A client that was never served has only just
// connected, and is about to ask.
func (s *session) closeAt() time.Time {
	drain := &s.server.drain
	latest := drain.since.Add(drain.longest)
	if s.neverServed() {
		return latest
	}
	last := drain.since
	if s.drain.lastCommand.After(last) {
		last = s.drain.lastCommand
	}
	return earlier(last.Add(drain.quiet), latest)
}

// neverServed tells whether the client has not asked for anything yet.
func (s *session) neverServed() bool { return !s.drain.served && s.drain.lastCommand.IsZero() }

// hasUnread tells whether the client has sent something that must be answered before the end. On a busy machine it may
// have arrived in time without being read in time; to close now would reset the connection.
func (s *session) hasUnread() bool {
	drain := &s.server.drain
	return (s.neverServed() || time.Since(drain.since) < drain.longest) && s.conn.Unread()
}

// rejectsWork tells whether the client must produce elsewhere because of the drain. A client that connected just before
// the drain is still served. So clients that connect for each request see no error at a restart behind a listener that
// stays open.
func (s *session) rejectsWork() bool {
	drain := &s.server.drain
	return drain.begun.Load() && (s.drain.served || time.Since(drain.since) > drain.longest-drain.quiet)
}

// refuseWork is the answer to a produce during the drain. In a pipeline it has none: the connection ends, and the client
// sends again what has no answer. Some clients look at no answer of a pipeline, and would lose what is refused in words.
// rsyslog is one. Who holds records is told in words, because the end would give these to others.
func (s *session) refuseWork() error {
	alone := s.input.pipeline == 0 && len(s.producer.pending) == 0 && s.conn.Reader.Buffered() == 0 && !s.conn.Unread()
	if alone || s.multi.executing || s.owesRecords() {
		return errShutdown
	}
	s.drain.unanswered = true
	return endError{errDrained}
}

// owesNothing tells whether neither side waits for the other. Then no reply is outstanding, no record is
// unacknowledged, and no command is half sent.
func (s *session) owesNothing() bool {
	return len(s.producer.pending) == 0 && s.input.partial.IsZero() && s.producer.Drained(0) && !s.owesRecords()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// halfClose notes that the client sends nothing more. The client may be gone for good: another one with the same name
// must not have to wait until this one has its replies.
func (s *session) halfClose() {
	s.conn.HalfClose()
	s.producer.Push() // while no broker answers, it is dropped as well
	s.producer.Abandon()
	s.leaveGroup(false)
}

// kill ends the session. Any goroutine may call it.
func (s *session) kill() {
	s.end.killed.Store(true)
	s.conn.Sever()
}

// close gives back what the session holds. Records that its member owes are kept for the grace, unless the client sent
// QUIT.
func (s *session) close() {
	if p := recover(); p != nil {
		s.server.log.Error("session failed", "client", s.id, "panic", p, "stack", string(debug.Stack()))
	}
	s.leaveGroup(s.end.quit)
	if s.producer.Publisher != nil {
		s.producer.Close()
	}
	s.flushStarted()
	s.server.monitors.Remove(s.monitor)
	s.server.sessions.remove(s) // before the client can see the end: it may connect again at once
	if s.drain.unanswered {
		s.conn.Finish()
	}
	s.conn.Close()
	close(s.end.done)
}

// endReasons are why sessions end: the metrics' name for it, and the level of the log line about it.
var endReasons = [...]struct {
	name  string
	level slog.Level
	is    func(error) bool
}{
	{"client", levelSilent, isAnyOf(io.EOF, syscall.ECONNRESET, syscall.EPIPE)},
	{"quit", levelSilent, isAnyOf(errQuit)},
	{"drain", levelSilent, isAnyOf(errDrained)},
	{"killed", levelSilent, isAnyOf(errKilled)},
	{"protocol", slog.LevelDebug, isSyntax},
	{"http", slog.LevelWarn, isAnyOf(errHTTP)},
	{"auth", slog.LevelInfo, isAnyOf(errSlowAuth, errAttempts)},
	{"slow_command", slog.LevelInfo, isAnyOf(errSlowCommand)},
	{"slow_monitor", slog.LevelInfo, isAnyOf(errSlowMonitor)},
	{"slow_reader", slog.LevelInfo, isAnyOf(os.ErrDeadlineExceeded)},
	{"other", slog.LevelInfo, func(error) bool { return true }},
}

// levelSilent is the level of reasons that occur all day: they are not logged.
const levelSilent = slog.LevelDebug - 1

func isAnyOf(these ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(these, func(one error) bool { return errors.Is(err, one) })
	}
}

func isSyntax(err error) bool {
	var syntax protocol.SyntaxError
	return errors.As(err, &syntax)
}

// countEnd counts why a session ended, and logs it where that is worth a line.
func (s *session) countEnd(err error) {
	if s.monitor.WasCut() {
		err = errSlowMonitor
	}
	for i := range endReasons {
		if r := &endReasons[i]; r.is(err) {
			s.server.counters.ended[i].Add(1)
			if r.level > levelSilent {
				s.server.log.Log(context.Background(), r.level, "client cut", "client", s.remote(), "reason", r.name, "err", err)
			}
			return
		}
	}
}
