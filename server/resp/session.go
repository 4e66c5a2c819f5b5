package resp

import (
	"errors"
	"io"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server/resp/conn"
	"github.com/sluice-proxy/sluice/server/resp/entry"
	"github.com/sluice-proxy/sluice/server/resp/monitor"
)

// session is one connection. Its goroutine reads commands, runs them, and sends the replies in order. Other goroutines
// touch only info, the atomic fields, and conn where that says so.
type session struct {
	server *Server
	opts   *Options // the settings when the session began
	id     int64
	conn   *conn.Conn
	out    replies

	producer producer
	consumer consumer
	input    input
	login    login
	multi    multiState
	monitor  *monitor.Monitor // after MONITOR
	run      commandRun
	drain    drainState
	end      sessionEnd
	info     clientInfo
}

// replies are those that were not sent yet.
type replies struct {
	protocol.Encoder

	mode replyMode
}

// producer is a session's way to produce.
type producer struct {
	*kafka.Publisher // nil until the session has begun

	pending   []pendingReply // delivered produces without a reply, oldest first
	added     int            // how many there ever were
	entry     entry.Entry    // what XADD asks for
	written   []kafka.Result // of the record whose reply is written next, if it has an id
	fullTopic string         // a topic for which a command of this pipeline waited for room in vain
}

// input is what is known about the commands that come.
type input struct {
	pipeline int       // commands that came at once, of late
	partial  time.Time // since when a command is unfinished
}

// flushAt is how many bytes of replies are sent before more commands are run.
const flushAt = 64 << 10

func newSession(server *Server, c *conn.Conn, o *ListenerOptions) *session {
	now, opts := time.Now(), server.options()
	if o.AckTimeout > 0 {
		own := *opts
		own.AckTimeout, opts = o.AckTimeout, &own
	}
	return &session{
		server: server, opts: opts, conn: c, consumer: consumer{defaults: o.Key}, login: login{authenticated: opts.Password == ""},
		run: commandRun{since: now}, end: sessionEnd{done: make(chan struct{})}, info: clientInfo{connected: now, active: now},
	}
}

// serve runs the session until the client leaves or is made to leave.
func (s *session) serve() {
	defer s.close()
	err := s.open()
	for err == nil {
		err = s.turn()
	}
	if errors.Is(err, io.EOF) {
		s.halfClose()
		_ = s.replyPending(true)
	}
	if s.out.Len() > 0 {
		_ = s.flush()
	}
	s.countEnd(err)
}

func (s *session) open() error {
	publisher, err := s.server.kafka.Publisher(s.conn.Wake)
	s.producer.Publisher = publisher
	return err
}

// turn runs the commands that have arrived, sends the replies that are ready, and waits for more.
func (s *session) turn() error {
	err := s.runBuffered()
	s.flushCounts(time.Now())
	if err != nil {
		return err
	}
	s.conn.Arm(s.deadline())
	if err := s.replyPending(false); err != nil {
		return err
	}
	s.monitor.MoveTo(&s.out.Encoder, flushAt)
	s.producer.PushWithoutLinger()
	if err := s.flush(); err != nil {
		return err
	}
	s.producer.Push() // while the client reads: buffered records are in memory already
	if err := s.endReason(); err != nil {
		return err
	}
	s.conn.EndTurn(&s.server.turns, s.input.pipeline >= pipelined && len(s.producer.pending) == 0)
	if err := s.conn.Fill(); err != nil && !errors.Is(err, conn.ErrWoken) {
		return err
	}
	s.run.since = time.Now()
	return nil
}

// pipelined is how many commands at once make a client one that pipelines: see Conn.EndTurn.
const pipelined = 8

// runBuffered runs every whole command that has arrived.
func (s *session) runBuffered() error {
	before := s.input.pipeline
	s.producer.fullTopic = ""
	for s.input.pipeline = 0; ; s.input.pipeline++ {
		args, err := s.conn.Reader.Next()
		if err != nil {
			s.out.Error("ERR " + err.Error())
			return err
		}
		if args == nil {
			s.notePartial()
			s.input.pipeline = max(s.input.pipeline, before/2)
			return nil
		}
		s.input.partial = time.Time{} // a command that may be unfinished behind this one has only begun
		if err := s.dispatch(args); err != nil {
			return err
		}
		if s.out.Len() >= flushAt {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
}

// notePartial notes since when the client has to send the rest of a command.
func (s *session) notePartial() {
	switch {
	case !s.conn.Reader.MidCommand():
		s.input.partial = time.Time{}
	case s.input.partial.IsZero():
		s.input.partial = time.Now()
	}
}

// pause sends the replies that are ready and waits for a wake, at most until the given time. It may return early: the
// caller looks at its state again, and pauses again. A client may have closed its side, as one does whose commands come
// from a pipe: it still gets its replies.
func (s *session) pause(until time.Time) error {
	err := s.waitForClient(until)
	if errors.Is(err, io.EOF) {
		s.halfClose()
		return nil
	}
	return err
}

// pauseOrEnd is pause for handlers: its error ends the session.
func (s *session) pauseOrEnd(until time.Time) error { return endSession(s.pause(until)) }

// waitForClient is pause for a wait that ends with io.EOF when the client closes its side. A record that it waits for
// must go to a client that is still there.
func (s *session) waitForClient(until time.Time) error {
	s.producer.Push()
	s.flushStarted()
	if err := s.flush(); err != nil {
		return err
	}
	if s.conn.ArmedFor(until) {
		if err := s.conn.Await(); err != nil && !errors.Is(err, conn.ErrWoken) {
			return err
		}
	}
	s.conn.Arm(until)
	if s.end.killed.Load() {
		return errKilled
	}
	return nil
}

// flush sends the replies.
func (s *session) flush() error {
	if s.out.Len() == 0 {
		return nil
	}
	if s.out.mode.suppressed() {
		s.out.Reset()
		return nil
	}
	err := s.conn.Send(s.out.Bytes(), s.opts.WriteTimeout)
	if s.conn.Reader.Buffered() == 0 {
		s.out.Release()
	} else {
		s.out.Reset()
	}
	return err
}
