package resp

import (
	"errors"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// connectionCommands are about the connection itself. Where nothing else is said, replies and error
// texts are those of Redis 7.
var connectionCommands = []command{
	{"hello", -1, "ERR", beforeAuth | greets, hello},
	{"auth", -2, "ERR", beforeAuth | greets, auth},
	{"client", -2, "ERR", greets, within},
	{"select", 2, "ERR", greets, selectDatabase},
	{"ping", -1, "ERR", 0, ping},
	{"echo", 2, "ERR", 0, echo},
	{"quit", -1, "ERR", beforeAuth | immediate, quit},
	{"reset", 1, "ERR", beforeAuth | immediate, reset},
	{"cluster", -2, "ERR", 0, noCluster},
	{"readonly", 1, "ERR", 0, noCluster},
	{"readwrite", 1, "ERR", 0, noCluster},
	{"asking", 1, "ERR", 0, noCluster},
}

var (
	errNotInteger = exactError("ERR value is not an integer or out of range")
	errDatabase   = errors.New("DB index is out of range")
	errNoCluster  = errors.New("This instance has cluster support disabled") //nolint:staticcheck // Redis' text
)

// profile is what the connection commands keep of a client; only its session looks at it.
type profile struct {
	attempts int     // AUTH failures since the last success
	silence  silence // of CLIENT REPLY
}

// visible is what the connection commands show of a client to others, behind the session's lock.
type visible struct {
	proto                                      int // 0 until HELLO: 2
	multi, monitor, noEvict, noTouch, tracking bool
}

// show changes what CLIENT LIST tells of the session.
func (s *session) show(change func(*visible)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.visible)
}

// rename sets the connection's name; group:name sets the consumer identity too.
func (s *session) rename(name string) {
	group, member, ok := strings.Cut(name, ":")
	s.identity, s.named = kafka.Identity{Group: group, Name: member}, ok && group != "" && member != ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
}

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

// selectDatabase answers SELECT: there is one database.
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

func noCluster(*session, [][]byte) error { return errNoCluster }

// quit answers QUIT: the member's records go to others at once.
func quit(s *session, _ [][]byte) error {
	s.out.OK()
	s.goodbye = true
	return endError{errGoodbye}
}

// reset answers RESET: the connection is as if new, its age included. What was not to be heard stays
// so, and so does this reply after CLIENT REPLY SKIP, as in Redis.
func reset(s *session, _ [][]byte) error {
	if s.profile.silence == off {
		s.out.Reset()
	}
	skipped := s.profile.silence == skipping
	s.monitor.drain(&s.out)
	s.monitor.close(s.server)
	s.monitor, s.queue = nil, nil
	s.leave(true)
	s.rename("")
	s.profile = profile{}
	if skipped {
		s.profile.silence = skipping
	}
	s.out.Proto = 2
	s.mu.Lock()
	s.visible, s.connected = visible{}, time.Now()
	s.mu.Unlock()
	s.trust(s.server.options().Password == "")
	s.out.Simple("RESET")
	return nil
}
