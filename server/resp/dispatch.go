package resp

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// dispatch finds the command that the arguments call and runs it, or queues it inside MULTI.
func (s *session) dispatch(args [][]byte) error {
	if s.out.mode == replySkipNext {
		return s.dispatchSkipped(args)
	}
	s.run.started++
	if s.server.drain.begun.Load() {
		s.drain.lastCommand = time.Now()
	}
	c, err := s.lookUp(args)
	s.countStart(c)
	if err != nil {
		s.count(c, true)
		return s.refuse(err)
	}
	if !s.drain.served && c.flags&greeting == 0 {
		s.drain.served = !s.server.drain.begun.Load()
	}
	if s.server.monitors.Any() {
		s.server.monitors.Show(s.remote(), s.monitor, args)
	}
	s.run.last = c
	if s.multi.queue != nil && c.flags&immediate == 0 {
		s.multi.queue.add(args, &s.out.Encoder)
		return nil
	}
	// Only a delivered produce may run while replies to earlier ones are outstanding.
	if len(s.producer.pending) > 0 && c.flags&pipelines == 0 {
		if err := s.replyPending(true); err != nil {
			return err
		}
	}
	return s.perform(c, args)
}

// perform runs a handler and writes its error as the reply.
func (s *session) perform(c *command, args [][]byte) error {
	before := s.producer.added
	err := c.run(s, args)
	ending, ends := errors.AsType[endError](err)
	if s.producer.added == before { // otherwise the call is counted when it has its reply
		s.count(c, err != nil && !ends)
	}
	switch {
	case err == nil:
		return nil
	case ends:
		return ending.err
	}
	// The handler has not written a part of its reply, but it may have let earlier replies leave first.
	s.out.Error(c.text(err))
	return nil
}

// refuse replies to a command that is not run. Inside MULTI this spoils the transaction.
func (s *session) refuse(err error) error {
	if ending, ends := errors.AsType[endError](err); ends {
		return ending.err
	}
	if s.multi.queue != nil {
		s.multi.queue.spoiled = true
	}
	if err := s.replyPending(true); err != nil {
		return err
	}
	s.out.Error(err.Error())
	return nil
}

// endError is returned by handlers that end the session.
type endError struct{ err error }

func (e endError) Error() string { return e.err.Error() }

// endSession makes an error end the session; nil stays nil.
func endSession(err error) error {
	if err != nil {
		return endError{err}
	}
	return nil
}

// tooLarge is the error for a command that was read to its end, but not kept. It names the setting.
func tooLarge(c *command, t *protocol.TooLarge) error {
	what, setting := fmt.Sprintf("an argument of %d bytes", t.Bytes), "resp.limits.bulk"
	if t.Whole {
		what, setting = fmt.Sprintf("a command of %d bytes", t.Bytes), "resp.limits.command"
	}
	outcome := ""
	if c.class == "PROD" || c.flags&pipelines != 0 {
		outcome = "rejected: "
	}
	return exactError(fmt.Sprintf("%s %s%s is above %s, %d", c.class, outcome, what, setting, t.Limit))
}

// lookUp finds the command that the arguments call, and checks them against its row of the table. The command is nil if
// there is none.
func (s *session) lookUp(args [][]byte) (*command, error) {
	c := find(args[0])
	switch {
	case c == nil && protocol.IsHTTP(args[0]):
		return nil, endError{errHTTP}
	case c == nil:
		return nil, unknownCommand(args)
	case !s.login.authenticated && c.flags&beforeAuth == 0:
		return c, errNoAuth
	case !c.takes(len(args)):
		return c, wrongArity(c.name)
	}
	if large := s.conn.Reader.TooLarge(); large != nil {
		return c, tooLarge(c, large)
	}
	return c, nil
}
