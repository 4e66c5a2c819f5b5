package resp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// consumeCommands take records out of Kafka.
var consumeCommands = []command{
	{"blpop", -3, "CONS", blocking | hot, blpop},
}

var (
	errAnonymous   = exactError("CONS Connection not ready. Identify yourself using CLIENT SETNAME first")
	errUnblocked   = exactError("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	errNotIdentity = errors.New("the name must have the form group:name to consume")
)

// blpop answers BLPOP topics:<t1,t2>[:<json>] <seconds>: the next record of the client's group.
func blpop(s *session, args [][]byte) error {
	wait, forever, err := protocol.ParseTimeout(args[len(args)-1])
	if err != nil {
		return exactError("ERR " + err.Error())
	}
	if s.server.draining.Load() {
		return errShutdown
	}
	if s.conn.HalfClosed() {
		return endError{io.EOF} // nobody will acknowledge it
	}
	if len(args) != 3 {
		return errors.New("one key only: name several topics as topics:<t1>,<t2>")
	}
	until := time.Now().Add(wait)
	if forever {
		until = time.Time{}
	}
	s.unblocked.Store(stillBlocked)
	defer s.unblocked.Store(notBlocked)
	if err := s.subscribe(args[1], until); err != nil {
		if errors.Is(err, errAnswered) {
			return nil
		}
		return err
	}
	return s.next(until)
}

// next answers the next records, or nothing when there is none until the time given; zero waits for
// ever.
func (s *session) next(until time.Time) error {
	for {
		lent, err := s.member.Next(s.interest.batch, s.opts.OutputLimit/2, s.lent[:0])
		s.lent = lent[:0]
		if err != nil {
			return err
		}
		if len(lent) > 0 {
			s.interest.reply(&s.out, lent)
			clear(lent)
			return nil
		}
		if done, err := s.giveUp(until); done {
			s.member.StopWaiting()
			return err
		}
		if err := s.attend(until); err != nil {
			s.member.StopWaiting()
			return endError{err}
		}
	}
}

// A wait, and how another client ended it (CLIENT UNBLOCK).
const (
	notBlocked int32 = iota // there is no wait
	stillBlocked
	unblockedTimeout
	unblockedError
)

// giveUp tells whether a wait is over without a record, and answers it.
func (s *session) giveUp(until time.Time) (bool, error) {
	switch how := s.unblocked.Load(); {
	case how == unblockedError:
		return true, errUnblocked
	case s.server.draining.Load():
		return true, errShutdown
	case how == unblockedTimeout, s.executing, !until.IsZero() && !time.Now().Before(until):
		s.out.NullArray()
		return true, nil
	}
	return false, nil
}

// subscribe makes the session a member, at its first BLPOP; later ones must ask for the same.
func (s *session) subscribe(key []byte, until time.Time) error {
	if s.member != nil && s.interest.is(s.identity, key) {
		return nil
	}
	topics, overrides, err := protocol.ParseConsumeKey(key)
	if err != nil {
		return err
	}
	if !s.named {
		return s.unnamed()
	}
	wanted, err := parseConsumption(s.identity, key, topics, overrides)
	if err != nil {
		return err
	}
	if s.member != nil {
		if s.member.Identity() == s.identity {
			return s.reconsider(wanted)
		}
		s.leave(true)
	}
	wanted.Address = s.address()
	return s.join(wanted, until)
}

func (s *session) unnamed() error {
	if s.calledAnything() {
		return errNotIdentity
	}
	return errAnonymous
}

func (s *session) calledAnything() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name != ""
}

// reconsider takes a key that says the same in other words, and refuses one that does not.
func (s *session) reconsider(wanted *consumption) error {
	if !slices.Equal(wanted.Topics, s.interest.Topics) {
		return fmt.Errorf("%s is subscribed to %s already: use another name for other topics",
			s.identity, strings.Join(s.interest.Topics, ","))
	}
	if name := s.interest.differs(wanted); name != "" {
		return fmt.Errorf("%s is subscribed with another %s already: use another name for other settings", s.identity, name)
	}
	return nil
}

// join seats the session. A subscription that is just ending, whose place it needs, is waited for until the
// client's patience ends.
func (s *session) join(wanted *consumption, until time.Time) error {
	for {
		member, err := s.seat(wanted)
		var full *kafka.RoomError
		switch {
		case err == nil:
			s.member, s.interest = member, wanted
			s.server.setOwner(s)
			return nil
		case !errors.As(err, &full) || !full.Soon:
			return err
		}
		if done, err := s.giveUp(until); done {
			return cmp.Or(err, errAnswered)
		}
		if err := s.attend(until); err != nil {
			return endError{err}
		}
	}
}

// errAnswered ends a command whose answer has been given already.
var errAnswered = errors.New("answered")

// seat takes the member's place. A connection of the same name that is dead, but has not noticed yet, is waited for.
func (s *session) seat(wanted *consumption) (*kafka.Member, error) {
	member, err := s.server.kafka.Join(s.identity, wanted.Interest, s.conn.Wake)
	var taken *kafka.TakenError
	if errors.As(err, &taken) && s.server.bury(s.identity) {
		return s.server.kafka.Join(s.identity, wanted.Interest, s.conn.Wake)
	}
	return member, err
}

// address is the client's.
func (s *session) address() netip.Addr {
	if at, is := s.conn.RemoteAddr().(*net.TCPAddr); is {
		return at.AddrPort().Addr()
	}
	return netip.Addr{}
}

const (
	burialTime = time.Second           // at most, for a dead connection's session to end
	partingGap = 50 * time.Millisecond // between what a client did one after the other, on two connections
)

// bury waits for the end of a session whose client has hung up; false when it is alive. A client that has closed one
// connection and asks on another may be heard the other way round.
func (s *Server) bury(id kafka.Identity) bool {
	owner, patience := s.owner(id), partingGap
	if owner == nil {
		return true
	}
	if owner.conn.HungUp() {
		owner.conn.Wake()
		patience = burialTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-owner.ended:
	case <-ctx.Done():
	}
	return s.owner(id) == nil // it may still wait for answers, without the name
}
