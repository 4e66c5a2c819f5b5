package resp

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// session is one connection: its goroutine reads commands, runs them and sends the replies in
// order. Only what other sessions may look at is behind a lock.
type session struct {
	server *Server
	id     int64
	wire   *wire
	out    protocol.Encoder

	publisher *kafka.Publisher
	debts     []debt // delivered produces whose answers are outstanding, oldest first
	member    *kafka.Member
	interest  *consumption
	lent      []kafka.Delivery // reused by every BLPOP

	authenticated bool
	identity      kafka.Identity // of CLIENT SETNAME group:name
	named         bool           // identity is set
	queue         *transaction   // between MULTI and EXEC
	executing     bool           // inside EXEC: nothing blocks
	goodbye       bool           // the client said QUIT
	partial       time.Time      // since when a command is unfinished
	lastWords     time.Time      // the last command during a drain
	monitor       *monitor       // after MONITOR
	ended         chan struct{}  // closed when the session is over
	profile       profile        // of the connection commands

	unblocked atomic.Int32 // how CLIENT UNBLOCK ended a wait
	killed    atomic.Bool

	mu      sync.Mutex // guards what follows, for CLIENT LIST of others
	name    string
	library [2]string // CLIENT SETINFO: name and version
	last    string    // last command
	active  time.Time // when it was
	visible visible   // of the connection commands

	connected time.Time // written by this session only, which may read it without the lock
}

const flushAt = 64 << 10 // bytes of replies that are sent before more commands are run

func newSession(server *Server, wire *wire, id int64) *session {
	now := time.Now()
	return &session{
		server: server, id: id, wire: wire, authenticated: server.opts.Password == "",
		connected: now, active: now, ended: make(chan struct{}),
	}
}

// serve runs the session until the client leaves or is made to.
func (s *session) serve() {
	defer s.end()
	err := s.open()
	for err == nil {
		err = s.turn()
	}
	if errors.Is(err, io.EOF) {
		s.halfClose()
		_ = s.settle(true)
	}
	if s.out.Len() > 0 {
		_ = s.flush()
	}
	s.explain(err)
}

func (s *session) open() error {
	publisher, err := s.server.kafka.Publisher(s.wire.wake)
	s.publisher = publisher
	return err
}

// turn runs what is in the buffer, answers what can be answered, and waits for more.
func (s *session) turn() error {
	if err := s.runBuffered(); err != nil {
		return err
	}
	s.wire.arm(s.patience())
	if err := s.settle(false); err != nil {
		return err
	}
	s.monitor.drain(&s.out)
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.mayStay(); err != nil {
		return err
	}
	// The others first: with many busy clients the next command has often come when it is our turn
	// again, and is read without a detour through the poller. A tenth more throughput with fifty.
	runtime.Gosched()
	if err := s.wire.fill(); err != nil && !errors.Is(err, errWoken) {
		return err
	}
	return nil
}

// runBuffered runs every whole command that has arrived.
func (s *session) runBuffered() error {
	for {
		args, err := s.wire.reader.Next()
		if err != nil {
			s.out.Error("ERR " + err.Error())
			return err
		}
		if args == nil {
			s.noteStart()
			return nil
		}
		s.partial = time.Time{} // what may be unfinished behind this command has only begun
		if err := s.run(args); err != nil {
			return err
		}
		if s.out.Len() >= flushAt {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
}

// noteStart remembers since when the client owes the rest of a command.
func (s *session) noteStart() {
	switch {
	case !s.wire.reader.MidCommand():
		s.partial = time.Time{}
	case s.partial.IsZero():
		s.partial = time.Now()
	}
}

// patience is when the next wait for the client must end; zero for never.
func (s *session) patience() time.Time {
	var until time.Time
	sooner := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	if len(s.debts) > 0 {
		sooner(s.debts[0].since.Add(s.server.opts.AckTimeout))
	}
	if !s.partial.IsZero() {
		sooner(s.partial.Add(s.server.opts.CommandTimeout))
	}
	if !s.authenticated {
		sooner(s.connected.Add(s.server.opts.AuthTimeout))
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
	now := time.Now
	switch {
	case s.killed.Load():
		return errKilled
	case !s.partial.IsZero() && now().Sub(s.partial) >= s.server.opts.CommandTimeout:
		return errSlowCommand
	case !s.authenticated && now().Sub(s.connected) >= s.server.opts.AuthTimeout:
		return errSlowAuth
	case s.server.draining.Load() && s.owesNothing() && !now().Before(s.leaveAt()):
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

// leaveAt is when a session that owes nothing may leave a server that drains.
func (s *session) leaveAt() time.Time {
	last := s.server.drainedAt
	if s.lastWords.After(last) {
		last = s.lastWords
	}
	return earlier(last.Add(drainQuiet), s.server.drainedAt.Add(drainLongest))
}

// owesNothing tells whether neither side waits for anything of the other: no answer is outstanding,
// no record is unacknowledged, and the client is not in the middle of a command.
func (s *session) owesNothing() bool {
	return len(s.debts) == 0 && s.partial.IsZero() && s.publisher.Drained(0) && (s.member == nil || s.member.Owed() == 0)
}

// pause sends what is ready and waits for a wake, at most until the time given. It may return early:
// the caller looks at its state again, and pauses again. A client that has closed its side, as one
// does that pipes its commands in, is still answered what it has asked for.
func (s *session) pause(until time.Time) error {
	err := s.attend(until)
	if errors.Is(err, io.EOF) {
		s.halfClose()
		return nil
	}
	return err
}

// halfClose notes that nothing more will come from the client. It may be gone for good: whoever
// else bears its name need not wait until it has been answered.
func (s *session) halfClose() {
	s.wire.halfClosed = true
	s.leave(false)
}

// attend is pause for waits that end with io.EOF when the client closes its side: what it waits for
// should go to somebody who is there.
func (s *session) attend(until time.Time) error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.wire.armedFor(until) {
		if err := s.wire.await(); err != nil && !errors.Is(err, errWoken) {
			return err
		}
	}
	s.wire.arm(until)
	if s.killed.Load() {
		return errKilled
	}
	return nil
}

// flush sends the replies.
func (s *session) flush() error {
	if s.out.Len() == 0 {
		return nil
	}
	if s.profile.silence.mute() {
		s.out.Reset()
		return nil
	}
	err := s.wire.send(s.out.Bytes(), s.server.opts.WriteTimeout)
	if s.wire.reader.Buffered() == 0 {
		s.out.Release()
	} else {
		s.out.Reset()
	}
	return err
}

// kill ends the session from outside.
func (s *session) kill() {
	s.killed.Store(true)
	s.wire.sever()
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
	s.wire.close()
	close(s.ended)
}

// explain logs why a session ended, where that is worth a line.
func (s *session) explain(err error) {
	var syntax protocol.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errGoodbye), errors.Is(err, errDrained), errors.Is(err, errKilled),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
	case errors.As(err, &syntax):
		s.server.log.Debug("client broke the protocol", "client", s.remote(), "err", err)
	case errors.Is(err, errHTTP):
		s.server.log.Warn("client cut", "client", s.remote(), "err", err)
	default:
		s.server.log.Info("client cut", "client", s.remote(), "err", err)
	}
}

func (s *session) remote() string { return s.wire.conn.RemoteAddr().String() }
