package resp

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server/resp/conn"
)

// session is one connection: its goroutine reads commands, runs them and sends the replies in
// order. Only what other sessions may look at is behind a lock.
type session struct {
	server *Server
	opts   *Options // as they were when it began
	id     int64
	conn   *conn.Conn
	out    protocol.Encoder

	publisher *kafka.Publisher
	debts     []debt // delivered produces whose answers are outstanding, oldest first
	incurred  int    // how many debts there ever were
	pipeline  int    // commands that came at once, of late
	crowded   string // a topic for which one of these waited for room in vain
	tally     tally  // of the commands that were run since the last look at the clock
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
	met           bool           // the client has asked for something before a drain began
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

func newSession(server *Server, c *conn.Conn, id int64) *session {
	now, opts := time.Now(), server.options()
	return &session{
		server: server, opts: opts, id: id, conn: c, authenticated: opts.Password == "",
		connected: now, active: now, tally: tally{since: now}, ended: make(chan struct{}),
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
	publisher, err := s.server.kafka.Publisher(s.conn.Wake)
	s.publisher = publisher
	return err
}

// turn runs what is in the buffer, answers what can be answered, and waits for more.
func (s *session) turn() error {
	err := s.runBuffered()
	s.enter(time.Now())
	if err != nil {
		return err
	}
	s.conn.Arm(s.patience())
	if err := s.settle(false); err != nil {
		return err
	}
	s.monitor.drain(&s.out)
	s.publisher.Hasten()
	if err := s.flush(); err != nil {
		return err
	}
	s.publisher.Push() // while the client reads: buffered records are in memory already
	if err := s.mayStay(); err != nil {
		return err
	}
	s.conn.EndTurn(&s.server.turns, s.pipeline >= pipelined && len(s.debts) == 0)
	if err := s.conn.Fill(); err != nil && !errors.Is(err, conn.ErrWoken) {
		return err
	}
	s.tally.since = time.Now()
	return nil
}

// pipelined is how many commands at once make a client one that pipelines: see Conn.EndTurn.
const pipelined = 8

// runBuffered runs every whole command that has arrived.
func (s *session) runBuffered() error {
	before := s.pipeline
	s.crowded = ""
	for s.pipeline = 0; ; s.pipeline++ {
		args, err := s.conn.Reader.Next()
		if err != nil {
			s.out.Error("ERR " + err.Error())
			return err
		}
		if args == nil {
			s.noteStart()
			s.pipeline = max(s.pipeline, before/2)
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
	case !s.conn.Reader.MidCommand():
		s.partial = time.Time{}
	case s.partial.IsZero():
		s.partial = time.Now()
	}
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

// attend is pause for waits that end with io.EOF when the client closes its side: what it waits for
// should go to somebody who is there.
func (s *session) attend(until time.Time) error {
	s.publisher.Push()
	if err := s.flush(); err != nil {
		return err
	}
	if s.conn.ArmedFor(until) {
		if err := s.conn.Await(); err != nil && !errors.Is(err, conn.ErrWoken) {
			return err
		}
	}
	s.conn.Arm(until)
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
	err := s.conn.Send(s.out.Bytes(), s.opts.WriteTimeout)
	if s.conn.Reader.Buffered() == 0 {
		s.out.Release()
	} else {
		s.out.Reset()
	}
	return err
}
