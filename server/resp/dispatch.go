package resp

import (
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// run finds the command and runs it, or queues it inside MULTI.
func (s *session) run(args [][]byte) error {
	if s.profile.silence == skipNext {
		return s.runUnheard(args)
	}
	s.server.commands.Add(1)
	if s.server.draining.Load() {
		s.lastWords = time.Now()
	}
	c, err := s.lookUp(args)
	s.begin(c)
	if err != nil {
		s.count(c, true)
		return s.refuse(err)
	}
	if !s.met && c.flags&greets == 0 {
		s.met = !s.server.draining.Load()
	}
	if s.server.watchers.any() {
		s.server.watchers.tell(s, args)
	}
	s.note(c)
	if s.queue != nil && c.flags&immediate == 0 {
		s.queue.add(args, &s.out)
		return nil
	}
	// Only a delivered produce may overtake the answers that are outstanding.
	if len(s.debts) > 0 && c.flags&pipelines == 0 {
		if err := s.settle(true); err != nil {
			return err
		}
	}
	return s.perform(c, args)
}

// perform runs a handler and turns its error into the reply.
func (s *session) perform(c *command, args [][]byte) error {
	debts := s.incurred
	err := c.run(s, args)
	ending, ends := errors.AsType[endError](err)
	if s.incurred == debts { // else it is counted when it is answered
		s.count(c, err != nil && !ends)
	}
	switch {
	case err == nil:
		return nil
	case ends:
		return ending.err
	}
	// No handler has written a part of its reply, but it may have let earlier answers leave first.
	s.out.Error(c.text(err))
	return nil
}

// refuse answers a command that is not run; inside MULTI the transaction is spoiled.
func (s *session) refuse(err error) error {
	var ending endError
	if errors.As(err, &ending) {
		return ending.err
	}
	if s.queue != nil {
		s.queue.spoiled = true
	}
	if len(s.debts) > 0 {
		if err := s.settle(true); err != nil {
			return err
		}
	}
	s.out.Error(err.Error())
	return nil
}

// endError is returned by handlers that end the session.
type endError struct{ err error }

func (e endError) Error() string { return e.err.Error() }

// lookUp finds the command of the table that the arguments call, and checks them against it. With an
// error, the command is nil if there is none.
func (s *session) lookUp(args [][]byte) (*command, error) {
	c := find(args[0])
	switch {
	case c == nil && protocol.IsHTTP(args[0]):
		return nil, endError{errHTTP}
	case c == nil:
		return nil, unknownCommand(args)
	case !s.authenticated && c.flags&beforeAuth == 0:
		return c, errNoAuth
	case !c.takes(len(args)):
		return c, wrongArity(c.name)
	}
	return c, nil
}

// note keeps what CLIENT LIST shows of this session.
func (s *session) note(c *command) {
	if c.flags&hot != 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.active = c.name, time.Now()
}
