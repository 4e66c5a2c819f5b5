package resp

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
	"github.com/sluice-proxy/sluice/server/resp/owners"
)

// consumer is a session's way to consume.
type consumer struct {
	identity kafka.Identity    // from CLIENT SETNAME group:name
	named    bool              // identity is set
	own      *membership       // with the connection's identity; nil until the first BLPOP
	pooled   []*membership     // with identities from keys; others may have taken them since
	last     *membership       // that asked last
	lastKey  []byte            // with this key, as the client wrote it
	defaults blpopkey.Defaults // of the listener, for what a key does not say
	lent     []kafka.Delivery  // reused by every BLPOP
	wait     atomic.Int32      // whether BLPOP waits, and how another client ended the wait
}

// membership is a member of a group that sessions consume as.
type membership = owners.Consumer[*session]

// The values of consumer.wait.
const (
	notBlocked int32 = iota
	stillBlocked
	unblockedTimeout // by CLIENT UNBLOCK id TIMEOUT
	unblockedError   // by CLIENT UNBLOCK id ERROR
)

// maxPooled is as how many names one connection may consume.
const maxPooled = 64

var (
	errNoName     = exactError("CONS Connection not ready. Identify yourself using CLIENT SETNAME first")
	errNoIdentity = errors.New("the name must have the form group:name to consume")
)

// Wake makes the session look again at what it waits for. Any goroutine may call it.
func (s *session) Wake() { s.conn.Wake() }

// subscribe returns the membership of a key, for the session alone until doneAsking. The first BLPOP of an identity joins.
// Later ones must ask for the same.
func (s *session) subscribe(p *pop) (*membership, error) {
	c, text := &s.consumer, p.key
	if c.own != nil && c.own.Key.Is(c.identity, text) {
		c.last = c.own
		return c.own, nil
	}
	if c.last != nil && c.last.Pooled && bytes.Equal(c.lastKey, text) && s.server.sessions.owners.Again(c.last, s) {
		return c.last, nil
	}
	topics, settings, err := protocol.ParseConsumeKey(text)
	if err != nil {
		return nil, err
	}
	key, err := blpopkey.Parse(text, topics, settings, s.ownIdentity(), p.defaults(c.defaults))
	if err != nil {
		return nil, err
	}
	key.Address = s.address()
	if key.Pooled && !(c.named && key.Identity == c.identity) {
		return s.subscribePooled(key, p)
	}
	return s.subscribeOwn(key, p)
}

// defaults are what a key means that does not say it, for this command on a listener.
func (p *pop) defaults(d blpopkey.Defaults) blpopkey.Defaults {
	if !p.accepts {
		return d
	}
	d.Reply = "pair"
	if d.Ack == "" || d.Ack == "explicit" {
		d.Ack, d.AckOfCommand = "auto", true
	}
	return d
}

// ownIdentity is the connection's own: its name's, where that has a group. A key that names only a group gets a name that
// no other connection has.
func (s *session) ownIdentity() kafka.Identity {
	if s.consumer.named {
		return s.consumer.identity
	}
	return kafka.Identity{Name: fmt.Sprintf("client-%d", s.id)}
}

// subscribeOwn makes the session a member with its own identity.
func (s *session) subscribeOwn(key *blpopkey.Key, p *pop) (*membership, error) {
	c := &s.consumer
	if !c.named {
		return nil, s.nameError()
	}
	if c.own != nil {
		if c.own.Key.Identity == c.identity {
			c.last = c.own
			return c.own, checkSameKey(c.own, key)
		}
		s.leave(c.own, true)
		c.own, c.last = nil, nil
	}
	m, err := s.joinGroup(owners.NewConsumer(key, false, s), p)
	if err == nil {
		c.own, c.last = m, m
	}
	return m, err
}

// subscribePooled takes the membership of an identity that the key names, or becomes its member.
func (s *session) subscribePooled(key *blpopkey.Key, p *pop) (*membership, error) {
	c := &s.consumer
	m, taken := s.takePooled(key.Identity)
	if taken && s.server.sessions.awaitDeadOwner(key.Identity) {
		m, taken = s.takePooled(key.Identity)
	}
	switch {
	case taken:
		return nil, &kafka.TakenError{Identity: key.Identity}
	case m == nil && len(s.ownedPooled()) >= maxPooled:
		return nil, fmt.Errorf("this connection consumes as %d names already: use fewer names, or another connection", maxPooled)
	case m == nil:
		var err error
		if m, err = s.joinGroup(owners.NewConsumer(key, true, s), p); err != nil {
			return nil, err
		}
	default:
		if err := checkSameKey(m, key); err != nil {
			s.server.sessions.owners.Done(m)
			return nil, err
		}
	}
	if !slices.Contains(c.pooled, m) {
		c.pooled = append(s.ownedPooled(), m)
	}
	c.last, c.lastKey = m, bytes.Clone(key.Text)
	return m, nil
}

// ownedPooled forgets the memberships that other connections have taken, and returns the others.
func (s *session) ownedPooled() []*membership {
	s.consumer.pooled = slices.DeleteFunc(s.consumer.pooled, func(m *membership) bool {
		return s.server.sessions.owners.Owner(m.Key.Identity) != s
	})
	return s.consumer.pooled
}

// takePooled takes a membership over from another connection. That must be of the same address, and alive: what a process
// held that has ended must come again.
func (s *session) takePooled(id kafka.Identity) (m *membership, taken bool) {
	owner := s.server.sessions.owners.Owner(id)
	if owner != nil && owner != s && (owner.address() != s.address() || owner.conn.HungUp()) {
		return nil, true
	}
	return s.server.sessions.owners.Take(id, s)
}

// doneAsking lets other connections of a pool ask.
func (s *session) doneAsking(m *membership) {
	if m.Pooled {
		s.server.sessions.owners.Done(m)
	}
}

// nameError says what the client's name lacks to consume.
func (s *session) nameError() error {
	if s.info.hasName() {
		return errNoIdentity
	}
	return errNoName
}

// checkSameKey accepts a key that says the same in other words as the first one, and refuses any other.
func checkSameKey(m *membership, later *blpopkey.Key) error {
	first, identity := m.Key, m.Key.Identity
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
func (s *session) joinGroup(m *membership, p *pop) (*membership, error) {
	err := server.JoinWithin(func() (err error) {
		if m.Member, err = s.tryJoin(m); err == nil {
			s.server.sessions.owners.Add(m)
		}
		return err
	}, func(error) error {
		if done, err := s.waitOver(nil, p); done {
			return cmp.Or(err, errReplied)
		}
		return endSession(s.waitForClient(p.next()))
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// errReplied ends a command that has its reply already.
var errReplied = errors.New("answered")

// tryJoin becomes a member. Another connection with the same name may be dead without having noticed it: its end is
// waited for.
func (s *session) tryJoin(m *membership) (*kafka.Member, error) {
	id, wake := m.Key.Identity, s.conn.Wake
	if m.Pooled {
		wake = func() { s.server.sessions.owners.Wake(m) }
	}
	member, err := s.server.kafka.Join(id, m.Key.SubscribeOptions, wake)
	var taken *kafka.TakenError
	if errors.As(err, &taken) && s.server.sessions.awaitDeadOwner(id) {
		return s.server.kafka.Join(id, m.Key.SubscribeOptions, wake)
	}
	return member, err
}

// leaveGroup ends the session's memberships but those that others have taken. With giveBack their records go to others at
// once.
func (s *session) leaveGroup(giveBack bool) {
	c := &s.consumer
	for _, m := range s.memberships() {
		s.leave(m, giveBack)
	}
	c.own, c.pooled, c.last, c.lastKey = nil, nil, nil, nil
}

// leave ends a membership, unless another connection has taken it.
func (s *session) leave(m *membership, giveBack bool) {
	s.server.sessions.owners.End(m, s, func() { m.Member.Leave(giveBack) })
}

// memberships are the session's own, and those with identities from keys that no other connection has taken.
func (s *session) memberships() []*membership {
	pooled := s.ownedPooled()
	if s.consumer.own == nil {
		return pooled
	}
	return append(pooled[:len(pooled):len(pooled)], s.consumer.own)
}

// owesRecords tells whether the client holds records that it has not settled.
func (s *session) owesRecords() bool {
	return slices.ContainsFunc(s.memberships(), func(m *membership) bool { return m.Member.Owed() > 0 })
}

// address is the client's IP address.
func (s *session) address() netip.Addr {
	if at, is := s.conn.RemoteAddr().(*net.TCPAddr); is {
		return at.AddrPort().Addr()
	}
	return netip.Addr{}
}
