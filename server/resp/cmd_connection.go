package resp

import (
	"errors"
	"time"
)

// connectionCommands are about the connection itself. Replies and error texts are those of Redis 7, where a handler
// does not say otherwise.
var connectionCommands = []command{
	{"client", -2, "ERR", greeting, runSubcommand},
	{"select", 2, "ERR", greeting, selectDatabase},
	{"ping", -1, "ERR", 0, ping},
	{"echo", 2, "ERR", 0, echo},
	{"quit", -1, "ERR", beforeAuth | immediate, quit},
	{"reset", 1, "ERR", beforeAuth | immediate, reset},
	{"cluster", -2, "ERR", 0, refuseCluster},
	{"readonly", 1, "ERR", 0, refuseCluster},
	{"readwrite", 1, "ERR", 0, refuseCluster},
	{"asking", 1, "ERR", 0, refuseCluster},
}

var (
	errDatabase  = errors.New("DB index is out of range")
	errNoCluster = errors.New("This instance has cluster support disabled") //nolint:staticcheck // Redis' text
)

func ping(s *session, args [][]byte) error {
	switch len(args) {
	case 1:
		s.out.Simple("PONG")
	case 2:
		s.out.Bulk(args[1])
	default:
		return wrongArity("ping")
	}
	return nil
}

func echo(s *session, args [][]byte) error {
	s.out.Bulk(args[1])
	return nil
}

// selectDatabase answers SELECT: the only database is 0.
func selectDatabase(s *session, args [][]byte) error {
	n, err := parseInt(args[1])
	if err != nil {
		return err
	}
	if n != 0 {
		return errDatabase
	}
	s.out.OK()
	return nil
}

func refuseCluster(*session, [][]byte) error { return errNoCluster }

// quit answers QUIT: the member's records go to others at once.
func quit(s *session, _ [][]byte) error {
	s.out.OK()
	s.end.quit = true
	return endError{errQuit}
}

// reset answers RESET: the connection becomes as if it were new, its age included. Replies that CLIENT REPLY suppressed
// stay so, the reply to RESET itself after CLIENT REPLY SKIP included, as in Redis.
func reset(s *session, _ [][]byte) error {
	if s.out.mode == replyOff {
		s.out.Reset()
	}
	s.monitor.MoveTo(&s.out.Encoder, flushAt)
	s.server.monitors.Remove(s.monitor)
	s.monitor, s.multi.queue = nil, nil
	s.leaveGroup(true)
	s.rename("")
	s.login.attempts = 0
	if s.out.mode != replySkipping {
		s.out.mode = replyOn
	}
	s.out.Proto = 2
	s.info.change(func(i *clientInfo) { i.flags, i.connected = clientFlags{}, time.Now() })
	s.setAuthenticated(s.server.options().Password == "")
	s.out.Simple("RESET")
	return nil
}
