package resp

import (
	"errors"
	"fmt"
)

// clientCommands are the subcommands of CLIENT.
var clientCommands = []command{
	{"client|getname", 2, "ERR", 0, getName},
	{"client|help", 2, "ERR", 0, help},
	{"client|id", 2, "ERR", 0, clientID},
	{"client|info", 2, "ERR", 0, clientInfo},
	{"client|kill", -3, "ERR", 0, clientKill},
	{"client|list", -2, "ERR", 0, clientList},
	{"client|no-evict", 3, "ERR", 0, noEvict},
	{"client|no-touch", 3, "ERR", 0, noTouch},
	{"client|reply", 3, "ERR", 0, clientReply},
	{"client|setinfo", 4, "ERR", 0, setInfo},
	{"client|setname", 3, "ERR", 0, setName},
	{"client|tracking", -3, "ERR", 0, tracking},
	{"client|unblock", -3, "ERR", 0, unblock},
}

// Bounds in bytes of what a client may be called: ten thousand of them are remembered.
const (
	maxName    = 1 << 10
	maxLibrary = 256
)

// validName refuses what would make CLIENT LIST unreadable, with Redis' text (networking.c,
// validateClientAttr), and what is too long to be remembered.
func validName(what string, name []byte, limit int) error {
	for _, c := range name {
		if c < '!' || c > '~' {
			return fmt.Errorf("%s cannot contain spaces, newlines or special characters.", what) //nolint:revive,staticcheck // Redis' text
		}
	}
	if len(name) > limit {
		return fmt.Errorf("%s cannot be longer than %d bytes", what, limit)
	}
	return nil
}

// setName answers CLIENT SETNAME. A name is never taken: pools share one.
func setName(s *session, args [][]byte) error {
	if err := validName("Client names", args[2], maxName); err != nil {
		return err
	}
	s.rename(string(args[2]))
	s.out.OK()
	return nil
}

func getName(s *session, _ [][]byte) error {
	if !s.calledAnything() {
		s.out.Null()
		return nil
	}
	s.out.BulkString(s.name) // only this session writes it
	return nil
}

func clientID(s *session, _ [][]byte) error {
	s.out.Int(s.id)
	return nil
}

// setInfo answers CLIENT SETINFO LIB-NAME|LIB-VER <text>.
func setInfo(s *session, args [][]byte) error {
	which, what := 0, "lib-name"
	switch {
	case is(args[2], "lib-ver"):
		which, what = 1, "lib-ver"
	case !is(args[2], "lib-name"):
		return fmt.Errorf("Unrecognized option '%s'", cut(args[2], 128)) //nolint:staticcheck // Redis' text
	}
	if err := validName(what, args[3], maxLibrary); err != nil {
		return err
	}
	s.mu.Lock()
	s.library[which] = string(args[3])
	s.mu.Unlock()
	s.out.OK()
	return nil
}

// noEvict and noTouch are remembered and shown: there is no memory of keys here to evict from.
func noEvict(s *session, args [][]byte) error {
	return s.toggle(args[2], func(v *visible, on bool) { v.noEvict = on })
}

func noTouch(s *session, args [][]byte) error {
	return s.toggle(args[2], func(v *visible, on bool) { v.noTouch = on })
}

func (s *session) toggle(arg []byte, set func(*visible, bool)) error {
	on := is(arg, "on")
	if !on && !is(arg, "off") {
		return errSyntax
	}
	s.show(func(v *visible) { set(v, on) })
	s.out.OK()
	return nil
}

// trackingOptions are what CLIENT TRACKING takes, and how many arguments each has.
var trackingOptions = map[string]int{"redirect": 1, "prefix": 1, "bcast": 0, "optin": 0, "optout": 0, "noloop": 0}

// Redis' own words (networking.c, clientCommand).
var (
	errTwoModes = errors.New("You can't specify both OPTIN mode and OPTOUT mode") //nolint:staticcheck // Redis' text
	errPrefix   = errors.New("PREFIX option requires BCAST mode to be enabled")
)

// tracking answers CLIENT TRACKING. Nothing that can be read here can be cached, so no invalidation
// is ever due.
func tracking(s *session, args [][]byte) error {
	given, err := parseTracking(args[3:])
	switch {
	case err != nil:
		return err
	case given["optin"] && given["optout"]:
		return errTwoModes
	case given["prefix"] && !given["bcast"]:
		return errPrefix
	}
	return s.toggle(args[2], func(v *visible, on bool) { v.tracking = on })
}

func parseTracking(rest [][]byte) (map[string]bool, error) {
	given := map[string]bool{}
	for len(rest) > 0 {
		var buf [32]byte
		name := string(lower(rest[0], &buf))
		values, known := trackingOptions[name]
		if !known || len(rest) <= values {
			return nil, errSyntax
		}
		given[name] = true
		rest = rest[1+values:]
	}
	return given, nil
}

// unblock answers CLIENT UNBLOCK <id> [TIMEOUT|ERROR].
func unblock(s *session, args [][]byte) error {
	how := unblockedTimeout
	switch {
	case len(args) > 4:
		return errSyntax
	case len(args) == 4 && is(args[3], "error"):
		how = unblockedError
	case len(args) == 4 && !is(args[3], "timeout"):
		return errors.New("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	}
	id, err := parseInt(args[2])
	if err != nil {
		return err
	}
	other := s.server.session(id)
	s.out.Int(boolInt(other != nil && other.unblock(how)))
	return nil
}

// unblock ends the session's wait; false when it is not waiting.
func (s *session) unblock(how int32) bool {
	if !s.unblocked.CompareAndSwap(stillBlocked, how) {
		return false
	}
	s.conn.Wake()
	return true
}

// silence is which replies a client does not want to hear (CLIENT REPLY).
type silence int

const (
	heard    silence = iota
	skipNext         // after SKIP: the next command's reply is not sent
	skipping         // this is that command
	off              // none is sent
)

// mute tells whether what is to be sent is not to be sent.
func (q silence) mute() bool { return q == skipping || q == off }

// clientReply answers CLIENT REPLY ON|OFF|SKIP. ON is heard in any case; the others are not.
func clientReply(s *session, args [][]byte) error {
	switch {
	case is(args[2], "on"):
		if s.profile.silence.mute() {
			s.out.Reset()
		}
		s.profile.silence = heard
		s.out.OK()
		return nil
	case is(args[2], "off"):
		return s.hush(off)
	case is(args[2], "skip"):
		return s.hush(skipNext)
	}
	return errSyntax
}

// hush sends what is due to be heard before the silence begins.
func (s *session) hush(q silence) error {
	if s.profile.silence == off {
		return nil
	}
	if err := s.flush(); err != nil {
		return endError{err}
	}
	s.profile.silence = q
	return nil
}

// runUnheard runs the command whose reply the client skips.
func (s *session) runUnheard(args [][]byte) error {
	if err := s.settle(true); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.profile.silence = skipping
	err := s.run(args)
	if err == nil {
		err = s.settle(true)
	}
	if s.profile.silence == skipping {
		s.profile.silence = heard
		s.out.Reset()
	}
	return err
}
