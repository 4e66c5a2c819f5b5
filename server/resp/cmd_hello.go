package resp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/server"
)

// redisVersion is the Redis that sluice says to be: clients choose by it which commands they may
// send. 7.2 has CLIENT SETINFO.
const redisVersion = "7.2.5"

// maxAttempts is how many passwords a connection may try in a row: with a connection each for five,
// guessing costs the guesser, not us.
const maxAttempts = 5

// Redis' own words (acl.c, networking.c).
const (
	errWrongPass   = exactError("WRONGPASS invalid username-password pair or user is disabled.")
	errNoProto     = exactError("NOPROTO unsupported protocol version")
	errNoAuthHello = exactError("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
)

var (
	errNoPassword = errors.New("AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	errProto      = errors.New("Protocol version is not an integer or out of range") //nolint:staticcheck // Redis' text
	errAttempts   = errors.New("too many failed authentications")
)

// defaultUser is the only user there is.
var defaultUser = []byte("default")

// auth answers AUTH [user] <password>. Without a password to give, the form with a user is answered
// as Redis does: any password is the right one.
func auth(s *session, args [][]byte) error {
	user, password := defaultUser, args[len(args)-1]
	switch {
	case len(args) > 3:
		return errSyntax
	case len(args) == 3:
		user = args[1]
	case s.server.options().Password == "":
		return errNoPassword
	}
	if err := s.authenticate(user, password); err != nil {
		return err
	}
	s.out.OK()
	return nil
}

// authenticate checks a password, and ends a session that tries too many.
func (s *session) authenticate(user, password []byte) error {
	if bytes.Equal(user, defaultUser) && server.PasswordMatches(password, s.server.options().Password) {
		s.profile.attempts = 0
		s.trust(true)
		return nil
	}
	s.profile.attempts++
	s.server.unauthentic.Add(1)
	if s.profile.attempts < maxAttempts {
		return errWrongPass
	}
	s.out.Error(errWrongPass.Error())
	return endError{errAttempts}
}

// trust sets whether the client has authenticated, and with it what it may send.
func (s *session) trust(yes bool) {
	s.authenticated = yes
	s.conn.Reader.SetLimits(s.server.limits(yes))
}

// greeting is what HELLO asks for.
type greeting struct {
	proto          int    // 0: as it is
	user, password []byte // nil without AUTH
	name           []byte // nil without SETNAME
}

// hello answers HELLO [2|3 [AUTH user password] [SETNAME name]], in the protocol that it asks for.
// What is refused changes nothing.
func hello(s *session, args [][]byte) error {
	g, err := parseGreeting(args)
	if err != nil {
		return err
	}
	if g.user != nil {
		if err := s.authenticate(g.user, g.password); err != nil {
			return err
		}
	}
	if !s.authenticated {
		return errNoAuthHello
	}
	if g.name != nil {
		s.rename(string(g.name))
	}
	if g.proto != 0 {
		s.out.Proto = g.proto
		s.show(func(v *visible) { v.proto = g.proto })
	}
	s.introduce()
	return nil
}

func parseGreeting(args [][]byte) (g greeting, err error) {
	if len(args) == 1 {
		return g, nil
	}
	proto, err := parseInt(args[1])
	switch {
	case err != nil:
		return g, errProto
	case proto < 2 || proto > 3:
		return g, errNoProto
	}
	g.proto = int(proto)
	rest := args[2:]
	for len(rest) > 0 {
		switch {
		case is(rest[0], "auth") && len(rest) > 2:
			g.user, g.password = rest[1], rest[2]
			rest = rest[3:]
		case is(rest[0], "setname") && len(rest) > 1:
			g.name = rest[1]
			rest = rest[2:]
			if err := validName("Client names", g.name, maxName); err != nil {
				return g, err
			}
		default:
			return g, fmt.Errorf("Syntax error in HELLO option '%s'", cut(rest[0], 128)) //nolint:staticcheck // Redis' text
		}
	}
	return g, nil
}

// introduce is HELLO's reply.
func (s *session) introduce() {
	out := &s.out
	out.Map(7)
	out.BulkString("server")
	out.BulkString("redis")
	out.BulkString("version")
	out.BulkString(redisVersion)
	out.BulkString("proto")
	out.Int(int64(max(2, out.Proto)))
	out.BulkString("id")
	out.Int(s.id)
	out.BulkString("mode")
	out.BulkString("standalone")
	out.BulkString("role")
	out.BulkString("master")
	out.BulkString("modules")
	out.Array(0)
}
