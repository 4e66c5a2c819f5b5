package resp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-proxy/sluice/protocol"
)

// clientListCommands are the subcommands of CLIENT that look at connections, or end what these do.
var clientListCommands = []command{
	{"client|info", 2, "ERR", 0, clientInfoLine},
	{"client|kill", -3, "ERR", 0, clientKill},
	{"client|list", -2, "ERR", 0, clientList},
	{"client|unblock", -3, "ERR", 0, clientUnblock},
}

// Redis' own words (networking.c, clientKillCommand).
var (
	errNoSuchClient = errors.New("No such client")    //nolint:staticcheck // Redis' text
	errListedID     = errors.New("Invalid client ID") //nolint:staticcheck // Redis' text
	errKilledID     = errors.New("client-id should be greater than 0")
)

func clientInfoLine(s *session, _ [][]byte) error {
	s.showLast()
	s.out.Verbatim(s.describe() + "\n")
	return nil
}

// clientList answers CLIENT LIST [TYPE t | ID id ...].
func clientList(s *session, args [][]byte) error {
	wanted, err := parseClientList(args[2:])
	if err != nil {
		return err
	}
	s.showLast()
	var b strings.Builder
	for _, other := range s.server.sessions.inOrder() {
		if wanted.matches(other) {
			b.WriteString(other.describe())
			b.WriteByte('\n')
		}
	}
	s.out.Verbatim(b.String())
	return nil
}

// clientFilter is which clients CLIENT LIST and CLIENT KILL mean. Zero fields mean any client.
type clientFilter struct {
	ids         map[int64]bool
	addr, laddr string
	none        bool // a type of client that does not exist here
	except      *session
}

// matches leaves out sessions that were killed and have not ended yet: Redis frees these at once.
func (f *clientFilter) matches(s *session) bool {
	return !f.none && s != f.except && !s.end.killed.Load() && (f.ids == nil || f.ids[s.id]) &&
		(f.addr == "" || f.addr == s.remote()) && (f.laddr == "" || f.laddr == s.local())
}

// setType reads a TYPE. All clients here have the type normal.
func (f *clientFilter) setType(arg []byte) error {
	switch {
	case protocol.Is(arg, "normal"):
	case protocol.Is(arg, "master"), protocol.Is(arg, "replica"), protocol.Is(arg, "slave"), protocol.Is(arg, "pubsub"):
		f.none = true
	default:
		return fmt.Errorf("Unknown client type '%s'", cut(arg, 128)) //nolint:staticcheck // Redis' text
	}
	return nil
}

func (f *clientFilter) setID(arg []byte) error {
	id, err := parseInt(arg)
	if err != nil || id < 1 {
		return errKilledID
	}
	f.ids = map[int64]bool{id: true}
	return nil
}

func (f *clientFilter) setUser(arg []byte) error {
	if string(arg) != string(defaultUser) {
		return fmt.Errorf("No such user '%s'", cut(arg, 128)) //nolint:staticcheck // Redis' text
	}
	return nil
}

func parseClientList(args [][]byte) (clientFilter, error) {
	var wanted clientFilter
	switch {
	case len(args) == 0:
		return wanted, nil
	case len(args) == 2 && protocol.Is(args[0], "type"):
		return wanted, wanted.setType(args[1])
	case len(args) < 2 || !protocol.Is(args[0], "id"):
		return wanted, errSyntax
	}
	wanted.ids = map[int64]bool{}
	for _, arg := range args[1:] {
		id, err := parseInt(arg)
		if err != nil {
			return wanted, errListedID
		}
		wanted.ids[id] = true
	}
	return wanted, nil
}

// clientKill answers CLIENT KILL <addr:port> with OK, and CLIENT KILL <filter> <value> ... with the number of
// connections that it ended.
func clientKill(s *session, args [][]byte) error {
	if len(args) == 3 {
		return s.killAddress(string(args[2]))
	}
	wanted, err := parseClientKill(s, args[2:])
	if err != nil {
		return err
	}
	n, self := s.killMatching(&wanted)
	s.out.Int(int64(n))
	return endIfKilled(self)
}

func (s *session) killAddress(addr string) error {
	n, self := s.killMatching(&clientFilter{addr: addr})
	if n == 0 {
		return errNoSuchClient
	}
	s.out.OK()
	return endIfKilled(self)
}

// killMatching ends the sessions that match and returns how many. The caller's own session is among them when self is
// true: it must end itself after its reply.
func (s *session) killMatching(f *clientFilter) (n int, self bool) {
	for _, other := range s.server.sessions.all() {
		if !f.matches(other) {
			continue
		}
		n++
		if other == s {
			self = true
			continue
		}
		other.kill()
	}
	return n, self
}

func endIfKilled(self bool) error {
	if self {
		return endError{errKilled}
	}
	return nil
}

// killFilters read the value of each filter of CLIENT KILL.
var killFilters = map[string]func(*clientFilter, []byte) error{
	"id":    (*clientFilter).setID,
	"type":  (*clientFilter).setType,
	"user":  (*clientFilter).setUser,
	"addr":  func(f *clientFilter, arg []byte) error { f.addr = string(arg); return nil },
	"laddr": func(f *clientFilter, arg []byte) error { f.laddr = string(arg); return nil },
}

func parseClientKill(s *session, args [][]byte) (clientFilter, error) {
	wanted := clientFilter{except: s}
	if len(args)%2 != 0 {
		return wanted, errSyntax
	}
	for i := 0; i < len(args); i += 2 {
		var buf [32]byte
		filter := killFilters[string(lower(args[i], &buf))]
		var err error
		switch {
		case filter != nil:
			err = filter(&wanted, args[i+1])
		case protocol.Is(args[i], "skipme") && protocol.Is(args[i+1], "no"):
			wanted.except = nil
		case protocol.Is(args[i], "skipme") && protocol.Is(args[i+1], "yes"):
			wanted.except = s
		default:
			err = errSyntax
		}
		if err != nil {
			return wanted, err
		}
	}
	return wanted, nil
}

// clientUnblock answers CLIENT UNBLOCK <id> [TIMEOUT|ERROR].
func clientUnblock(s *session, args [][]byte) error {
	how := unblockedTimeout
	switch {
	case len(args) > 4:
		return errSyntax
	case len(args) == 4 && protocol.Is(args[3], "error"):
		how = unblockedError
	case len(args) == 4 && !protocol.Is(args[3], "timeout"):
		return errors.New("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	}
	id, err := parseInt(args[2])
	if err != nil {
		return err
	}
	other := s.server.sessions.withID(id)
	s.out.Int(boolInt(other != nil && other.unblock(how)))
	return nil
}

// unblock ends the session's wait; false when it does not wait. Any goroutine may call it.
func (s *session) unblock(how int32) bool {
	if !s.consumer.wait.CompareAndSwap(stillBlocked, how) {
		return false
	}
	s.conn.Wake()
	return true
}
