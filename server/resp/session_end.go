package resp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// patience is when the next wait for the client must end; zero for never.
func (s *session) patience() time.Time {
	var until time.Time
	sooner := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if len(s.debts) > 0 {
		sooner(s.debts[0].since.Add(s.opts.AckTimeout))
	}
	if !s.partial.IsZero() {
		sooner(s.partial.Add(s.opts.CommandTimeout))
	}
	if !s.authenticated {
		sooner(s.connected.Add(s.opts.AuthTimeout))
	}
	if s.server.draining.Load() {
		if at := s.leaveAt(); time.Now().Before(at) {
			sooner(at)
		}
	}
	return until
}

// The reasons for which sluice ends a session that did not ask for it.
var (
	errSlowCommand = errors.New("command not finished in time")
	errSlowAuth    = errors.New("not authenticated in time")
	errDrained     = errors.New("sluice is stopping")
	errKilled      = errors.New("killed")
	errGoodbye     = errors.New("goodbye")
	errHTTP        = errors.New("possible SECURITY ATTACK: HTTP sent to the Redis port")
)

// mayStay tells why a session that has nothing to do must end now, nil when it may wait.
func (s *session) mayStay() error {
	switch {
	case s.killed.Load():
		return errKilled
	case !s.partial.IsZero() && time.Since(s.partial) >= s.opts.CommandTimeout:
		return errSlowCommand
	case !s.authenticated && time.Since(s.connected) >= s.opts.AuthTimeout:
		return errSlowAuth
	case s.server.draining.Load() && s.owesNothing() && !time.Now().Before(s.leaveAt()) && !s.unheard():
		return errDrained
	}
	return nil
}

// A client that is sending when the drain begins is told that it is refused, instead of losing its
// connection with commands under way: a session leaves once the client has been silent for drainQuiet,
// but no later than drainLongest after the drain began.
const (
	drainQuiet   = 100 * time.Millisecond
	drainLongest = 500 * time.Millisecond
)

// leaveAt is when a session that owes nothing may leave a server that drains. One that has asked for
// nothing yet has only just come, and will.
func (s *session) leaveAt() time.Time {
	longest := s.server.drainedAt.Add(drainLongest)
	if s.fresh() {
		return longest
	}
	last := s.server.drainedAt
	if s.lastWords.After(last) {
		last = s.lastWords
	}
	return earlier(last.Add(drainQuiet), longest)
}

// fresh tells whether the client has not asked for anything yet.
func (s *session) fresh() bool { return !s.met && s.lastWords.IsZero() }

// unheard tells whether the client has said something that must be answered before the end: on a busy
// machine it may have arrived in time and not been read in time, and closing now would reset the connection.
func (s *session) unheard() bool {
	return (s.fresh() || time.Since(s.server.drainedAt) < drainLongest) && s.conn.Unread()
}

// refuses tells whether the client must produce elsewhere, because of the drain. One that connected just
// before and has asked for nothing yet is served: to clients that connect for each request, a restart
// behind a listener that stays open is then no error at all.
func (s *session) refuses() bool {
	return s.server.draining.Load() && (s.met || time.Since(s.server.drainedAt) > drainLongest-drainQuiet)
}

// owesNothing tells whether neither side waits for anything of the other: no answer is outstanding,
// no record is unacknowledged, and the client is not in the middle of a command.
func (s *session) owesNothing() bool {
	return len(s.debts) == 0 && s.partial.IsZero() && s.publisher.Drained(0) && (s.member == nil || s.member.Owed() == 0)
}

// halfClose notes that nothing more will come from the client. It may be gone for good: whoever
// else bears its name need not wait until it has been answered.
func (s *session) halfClose() {
	s.conn.HalfClose()
	s.leave(false)
}

// kill ends the session from outside.
func (s *session) kill() {
	s.killed.Store(true)
	s.conn.Sever()
}

// end gives back what the session holds. Records that its member owes are kept for the grace,
// unless the client said goodbye.
func (s *session) end() {
	if p := recover(); p != nil {
		s.server.log.Error("session failed", "client", s.id, "panic", p, "stack", stack())
	}
	if s.member != nil {
		s.member.Leave(s.goodbye)
	}
	if s.publisher != nil {
		s.publisher.Close()
	}
	s.monitor.close(s.server)
	s.server.forget(s) // before the client can see the end: there is room for it again
	s.conn.Close()
	close(s.ended)
}

// reasons are why connections end: what the metrics call it, and how loud the log is about it.
var reasons = [...]struct {
	name  string
	level slog.Level
	is    func(error) bool
}{
	{"client", silent, among(io.EOF, syscall.ECONNRESET, syscall.EPIPE)},
	{"quit", silent, among(errGoodbye)},
	{"drain", silent, among(errDrained)},
	{"killed", silent, among(errKilled)},
	{"protocol", slog.LevelDebug, isSyntax},
	{"http", slog.LevelWarn, among(errHTTP)},
	{"auth", slog.LevelInfo, among(errSlowAuth, errAttempts)},
	{"slow_command", slog.LevelInfo, among(errSlowCommand)},
	{"slow_monitor", slog.LevelInfo, among(errSlowMonitor)},
	{"slow_reader", slog.LevelInfo, among(os.ErrDeadlineExceeded)},
	{"other", slog.LevelInfo, func(error) bool { return true }},
}

// silent is the level of what happens all day.
const silent = slog.LevelDebug - 1

func among(these ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(these, func(one error) bool { return errors.Is(err, one) })
	}
}

func isSyntax(err error) bool {
	var syntax protocol.SyntaxError
	return errors.As(err, &syntax)
}

// explain counts why a session ended, and logs it where that is worth a line.
func (s *session) explain(err error) {
	if s.monitor.fellBehind() {
		err = errSlowMonitor
	}
	for i := range reasons {
		if r := &reasons[i]; r.is(err) {
			s.server.closed[i].Add(1)
			if r.level > silent {
				s.server.log.Log(context.Background(), r.level, "client cut", "client", s.remote(), "reason", r.name, "err", err)
			}
			return
		}
	}
}

func (s *session) remote() string { return s.conn.RemoteAddr().String() }
