package resp

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
)

// blpopCommands take records out of Kafka.
var blpopCommands = []command{
	{"blpop", -3, "CONS", blocking | hot, blpop},
}

var (
	errNoName     = exactError("CONS Connection not ready. Identify yourself using CLIENT SETNAME first")
	errUnblocked  = exactError("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	errNoIdentity = errors.New("the name must have the form group:name to consume")
)

// consumer is a session's way to consume.
type consumer struct {
	identity kafka.Identity   // from CLIENT SETNAME group:name
	named    bool             // identity is set
	member   *kafka.Member    // nil until the first BLPOP
	key      *blpopkey.Key    // of the first BLPOP
	lent     []kafka.Delivery // reused by every BLPOP
	wait     atomic.Int32     // whether BLPOP waits, and how another client ended the wait
}

// The values of consumer.wait.
const (
	notBlocked int32 = iota
	stillBlocked
	unblockedTimeout // by CLIENT UNBLOCK id TIMEOUT
	unblockedError   // by CLIENT UNBLOCK id ERROR
)

// blpop answers BLPOP topics:<t1,t2>[:<json>] <seconds>: the next record of the client's group.
func blpop(s *session, args [][]byte) error {
	wait, forever, err := protocol.ParseTimeout(args[len(args)-1])
	if err != nil {
		return exactError("ERR " + err.Error())
	}
	if s.server.drain.begun.Load() {
		return errShutdown
	}
	if s.conn.HalfClosed() {
		return endError{io.EOF} // nobody will acknowledge the record
	}
	if len(args) != 3 {
		return errors.New("one key only: name several topics as topics:<t1>,<t2>")
	}
	until := time.Now().Add(wait)
	if forever {
		until = time.Time{}
	}
	s.showLast()
	s.consumer.wait.Store(stillBlocked)
	defer s.consumer.wait.Store(notBlocked)
	if err := s.subscribe(args[1], until); err != nil {
		if errors.Is(err, errReplied) {
			return nil
		}
		return err
	}
	return s.nextRecords(until)
}

// nextRecords replies with the next records. It replies with a null when there is none until the given time; the zero
// time waits for ever.
func (s *session) nextRecords(until time.Time) error {
	c := &s.consumer
	for {
		lent, err := c.member.Next(c.key.Batch, s.opts.OutputLimit/2, c.lent[:0])
		c.lent = lent[:0]
		if err != nil {
			return err
		}
		if len(lent) > 0 {
			c.key.Reply(&s.out.Encoder, lent)
			clear(lent)
			return nil
		}
		if done, err := s.waitOver(until); done {
			c.member.StopWaiting()
			return err
		}
		if err := s.waitForClient(until); err != nil {
			c.member.StopWaiting()
			return endError{err}
		}
	}
}

// waitOver tells whether a wait is over without a record. It has replied then, or returns an error.
func (s *session) waitOver(until time.Time) (bool, error) {
	switch how := s.consumer.wait.Load(); {
	case how == unblockedError:
		return true, errUnblocked
	case s.server.drain.begun.Load():
		return true, errShutdown
	case how == unblockedTimeout, s.multi.executing, !until.IsZero() && !time.Now().Before(until):
		if err := s.unreachable(); err != nil {
			return true, err
		}
		s.out.NullArray()
		return true, nil
	}
	return false, nil
}

// unreachable is why no record could come: the group was never joined, because no broker answers.
func (s *session) unreachable() error {
	if s.consumer.member == nil {
		return nil
	}
	return s.consumer.member.Unreachable()
}

// subscribe makes the session a member at its first BLPOP. Later ones must ask for the same.
func (s *session) subscribe(text []byte, until time.Time) error {
	c := &s.consumer
	if c.member != nil && c.key.Is(c.identity, text) {
		return nil
	}
	topics, settings, err := protocol.ParseConsumeKey(text)
	if err != nil {
		return err
	}
	if !c.named {
		return s.nameError()
	}
	key, err := blpopkey.Parse(c.identity, text, topics, settings)
	if err != nil {
		return err
	}
	if c.member != nil {
		if c.member.Identity() == c.identity {
			return s.checkSameKey(key)
		}
		s.leaveGroup(true)
	}
	key.Address = s.address()
	return s.joinGroup(key, until)
}

// nameError says what the client's name lacks to consume.
func (s *session) nameError() error {
	if s.info.hasName() {
		return errNoIdentity
	}
	return errNoName
}

// checkSameKey accepts a key that says the same in other words as the first one, and refuses any other.
func (s *session) checkSameKey(later *blpopkey.Key) error {
	first, identity := s.consumer.key, s.consumer.identity
	if !slices.Equal(later.Topics, first.Topics) {
		return fmt.Errorf("%s is subscribed to %s already: use another name for other topics", identity, strings.Join(first.Topics, ","))
	}
	if name := first.Differs(later); name != "" {
		return fmt.Errorf("%s is subscribed with another %s already: use another name for other settings", identity, name)
	}
	return nil
}

// joinGroup makes the session a member. There may be no room until a subscription has ended that is just ending: this
// is waited for, as long as the client waits.
func (s *session) joinGroup(key *blpopkey.Key, until time.Time) error {
	return server.JoinWithin(func() error {
		member, err := s.tryJoin(key)
		if err != nil {
			return err
		}
		s.consumer.member, s.consumer.key = member, key
		s.server.sessions.setOwner(s)
		return nil
	}, func(error) error {
		if done, err := s.waitOver(until); done {
			return cmp.Or(err, errReplied)
		}
		return endSession(s.waitForClient(until))
	})
}

// errReplied ends a command that has its reply already.
var errReplied = errors.New("answered")

// tryJoin becomes a member. Another connection with the same name may be dead without having noticed it: its end is
// waited for.
func (s *session) tryJoin(key *blpopkey.Key) (*kafka.Member, error) {
	identity := s.consumer.identity
	member, err := s.server.kafka.Join(identity, key.SubscribeOptions, s.conn.Wake)
	var taken *kafka.TakenError
	if errors.As(err, &taken) && s.server.sessions.awaitDeadOwner(identity) {
		return s.server.kafka.Join(identity, key.SubscribeOptions, s.conn.Wake)
	}
	return member, err
}

// leaveGroup ends the session's membership, if it has one. With giveBack its records go to others at once.
func (s *session) leaveGroup(giveBack bool) {
	if s.consumer.member == nil {
		return
	}
	s.consumer.member.Leave(giveBack)
	s.server.sessions.endOwner(s)
	s.consumer.member, s.consumer.key = nil, nil
}

// address is the client's IP address.
func (s *session) address() netip.Addr {
	if at, is := s.conn.RemoteAddr().(*net.TCPAddr); is {
		return at.AddrPort().Addr()
	}
	return netip.Addr{}
}
