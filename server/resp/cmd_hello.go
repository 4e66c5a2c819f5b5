package resp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
)

// helloCommands are what clients send first.
var helloCommands = []command{
	{"hello", -1, "ERR", beforeAuth | greeting, hello},
	{"auth", -2, "ERR", beforeAuth | greeting, auth},
}

// redisVersion is the Redis that sluice says to be. Clients choose by it which commands they may send; 7.2 has CLIENT
// SETINFO.
const redisVersion = "7.2.5"

// maxAttempts is how many passwords a connection may try in a row. So whoever guesses needs a new connection for every
// five passwords.
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

// defaultUser is the only user.
var defaultUser = []byte("default")

// login is whether the client has authenticated.
type login struct {
	authenticated bool
	attempts      int // wrong passwords since the last right one
}

// auth answers AUTH [user] <password>. Where no password is configured, the form with a user accepts any password, as
// Redis does.
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

// authenticate checks a password. It ends a session that tries too many.
func (s *session) authenticate(user, password []byte) error {
	if bytes.Equal(user, defaultUser) && server.PasswordMatches(password, s.server.options().Password) {
		s.login.attempts = 0
		s.setAuthenticated(true)
		return nil
	}
	s.login.attempts++
	s.server.counters.authFailures.Add(1)
	if s.login.attempts < maxAttempts {
		return errWrongPass
	}
	s.out.Error(errWrongPass.Error())
	return endError{errAttempts}
}

// setAuthenticated sets whether the client has authenticated, and with it how much it may send.
func (s *session) setAuthenticated(yes bool) {
	s.login.authenticated = yes
	s.conn.Reader.SetLimits(s.server.limits(yes))
}

// helloOptions are the arguments of HELLO.
type helloOptions struct {
	proto          int    // 0: it stays as it is
	user, password []byte // nil without AUTH
	name           []byte // nil without SETNAME
}

// hello answers HELLO [2|3 [AUTH user password] [SETNAME name]], in the protocol that it asks for. A HELLO that is
// refused changes nothing.
func hello(s *session, args [][]byte) error {
	opts, err := parseHello(args)
	if err != nil {
		return err
	}
	if opts.user != nil {
		if err := s.authenticate(opts.user, opts.password); err != nil {
			return err
		}
	}
	if !s.login.authenticated {
		return errNoAuthHello
	}
	if opts.name != nil {
		s.rename(string(opts.name))
	}
	if opts.proto != 0 {
		s.out.Proto = opts.proto
		s.info.change(func(i *clientInfo) { i.flags.proto = opts.proto })
	}
	s.replyHello()
	return nil
}

func parseHello(args [][]byte) (opts helloOptions, err error) {
	if len(args) == 1 {
		return opts, nil
	}
	proto, err := parseInt(args[1])
	switch {
	case err != nil:
		return opts, errProto
	case proto < 2 || proto > 3:
		return opts, errNoProto
	}
	opts.proto = int(proto)
	rest := args[2:]
	for len(rest) > 0 {
		switch {
		case protocol.Is(rest[0], "auth") && len(rest) > 2:
			opts.user, opts.password = rest[1], rest[2]
			rest = rest[3:]
		case protocol.Is(rest[0], "setname") && len(rest) > 1:
			opts.name = rest[1]
			rest = rest[2:]
			if err := checkName("Client names", opts.name, maxName); err != nil {
				return opts, err
			}
		default:
			return opts, fmt.Errorf("Syntax error in HELLO option '%s'", cut(rest[0], 128)) //nolint:staticcheck // Redis' text
		}
	}
	return opts, nil
}

func (s *session) replyHello() {
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
