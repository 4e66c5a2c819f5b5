package resp

import (
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/protocol"
)

// clientCommands are the subcommands of CLIENT that are about the client's own connection.
var clientCommands = []command{
	{"client|getname", 2, "ERR", 0, clientGetName},
	{"client|help", 2, "ERR", 0, help},
	{"client|id", 2, "ERR", 0, clientID},
	{"client|no-evict", 3, "ERR", 0, clientNoEvict},
	{"client|no-touch", 3, "ERR", 0, clientNoTouch},
	{"client|reply", 3, "ERR", 0, clientReply},
	{"client|setinfo", 4, "ERR", 0, clientSetInfo},
	{"client|setname", 3, "ERR", 0, clientSetName},
	{"client|tracking", -3, "ERR", 0, clientTracking},
}

// Bounds in bytes of what a client may be called: sluice remembers the names of ten thousand clients.
const (
	maxName    = 1 << 10
	maxLibrary = 256
)

// checkName refuses a name that would make CLIENT LIST unreadable, with Redis' text (networking.c, validateClientAttr).
// It also refuses a name that is too long to be remembered.
func checkName(what string, name []byte, limit int) error {
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

// clientSetName answers CLIENT SETNAME. Several connections may have one name: pools do.
func clientSetName(s *session, args [][]byte) error {
	if err := checkName("Client names", args[2], maxName); err != nil {
		return err
	}
	s.rename(string(args[2]))
	s.out.OK()
	return nil
}

func clientGetName(s *session, _ [][]byte) error {
	if !s.info.hasName() {
		s.out.Null()
		return nil
	}
	s.out.BulkString(s.info.name) // only this session writes it
	return nil
}

func clientID(s *session, _ [][]byte) error {
	s.out.Int(s.id)
	return nil
}

// clientSetInfo answers CLIENT SETINFO LIB-NAME|LIB-VER <text>.
func clientSetInfo(s *session, args [][]byte) error {
	which, what := 0, "lib-name"
	switch {
	case protocol.Is(args[2], "lib-ver"):
		which, what = 1, "lib-ver"
	case !protocol.Is(args[2], "lib-name"):
		return fmt.Errorf("Unrecognized option '%s'", cut(args[2], 128)) //nolint:staticcheck // Redis' text
	}
	if err := checkName(what, args[3], maxLibrary); err != nil {
		return err
	}
	s.info.change(func(i *clientInfo) { i.library[which] = string(args[3]) })
	s.out.OK()
	return nil
}

// clientNoEvict and clientNoTouch only change what CLIENT LIST shows: there is no memory of keys to evict from.
func clientNoEvict(s *session, args [][]byte) error {
	return s.setFlag(args[2], func(f *clientFlags, on bool) { f.noEvict = on })
}

func clientNoTouch(s *session, args [][]byte) error {
	return s.setFlag(args[2], func(f *clientFlags, on bool) { f.noTouch = on })
}

// setFlag reads ON or OFF and sets a flag to it.
func (s *session) setFlag(arg []byte, set func(*clientFlags, bool)) error {
	on := protocol.Is(arg, "on")
	if !on && !protocol.Is(arg, "off") {
		return errSyntax
	}
	s.info.change(func(i *clientInfo) { set(&i.flags, on) })
	s.out.OK()
	return nil
}

// trackingOptions are the options of CLIENT TRACKING by how many arguments each has.
var trackingOptions = map[string]int{"redirect": 1, "prefix": 1, "bcast": 0, "optin": 0, "optout": 0, "noloop": 0}

// Redis' own words (networking.c, clientCommand).
var (
	errTwoModes = errors.New("You can't specify both OPTIN mode and OPTOUT mode") //nolint:staticcheck // Redis' text
	errPrefix   = errors.New("PREFIX option requires BCAST mode to be enabled")
)

// clientTracking answers CLIENT TRACKING. Nothing that can be read here can be cached, so no invalidation is ever due.
func clientTracking(s *session, args [][]byte) error {
	given, err := parseTracking(args[3:])
	switch {
	case err != nil:
		return err
	case given["optin"] && given["optout"]:
		return errTwoModes
	case given["prefix"] && !given["bcast"]:
		return errPrefix
	}
	return s.setFlag(args[2], func(f *clientFlags, on bool) { f.tracking = on })
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

// replyMode is which replies a client wants (CLIENT REPLY).
type replyMode int

const (
	replyOn       replyMode = iota
	replySkipNext           // after SKIP: the reply to the next command is not sent
	replySkipping           // that command runs
	replyOff                // none is sent
)

// suppressed tells whether replies are not sent.
func (m replyMode) suppressed() bool { return m == replySkipping || m == replyOff }

// clientReply answers CLIENT REPLY ON|OFF|SKIP. ON always has a reply; the others never have one.
func clientReply(s *session, args [][]byte) error {
	switch {
	case protocol.Is(args[2], "on"):
		if s.out.mode.suppressed() {
			s.out.Reset()
		}
		s.out.mode = replyOn
		s.out.OK()
		return nil
	case protocol.Is(args[2], "off"):
		return s.suppressReplies(replyOff)
	case protocol.Is(args[2], "skip"):
		return s.suppressReplies(replySkipNext)
	}
	return errSyntax
}

// suppressReplies sends the replies to earlier commands before the mode changes.
func (s *session) suppressReplies(m replyMode) error {
	if s.out.mode == replyOff {
		return nil
	}
	if err := s.flush(); err != nil {
		return endError{err}
	}
	s.out.mode = m
	return nil
}

// dispatchSkipped runs the command whose reply the client skips.
func (s *session) dispatchSkipped(args [][]byte) error {
	if err := s.replyPending(true); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.out.mode = replySkipping
	err := s.dispatch(args)
	if err == nil {
		err = s.replyPending(true)
	}
	if s.out.mode == replySkipping {
		s.out.mode = replyOn
		s.out.Reset()
	}
	return err
}
