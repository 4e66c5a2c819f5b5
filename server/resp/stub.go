package resp

import (
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

var connectionCommands = []command{
	{"ping", -1, "ERR", 0, func(s *session, _ [][]byte) error { s.out.Simple("PONG"); return nil }},
	{"client", -2, "ERR", 0, func(s *session, args [][]byte) error {
		if len(args) == 3 && strings.EqualFold(string(args[1]), "setname") {
			s.rename(string(args[2]))
		}
		s.out.OK()
		return nil
	}},
}

// rename sets the connection's name; group:name sets the consumer identity too.
func (s *session) rename(name string) {
	group, member, ok := strings.Cut(name, ":")
	s.identity, s.named = kafka.Identity{Group: group, Name: member}, ok && group != "" && member != ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
}

var (
	serverCommands      = []command{}
	transactionCommands = []command{}
)

type transaction struct{ spoiled bool }

func (t *transaction) add([][]byte, *protocol.Encoder) {}

type monitor struct{}

func (m *monitor) drain(*protocol.Encoder) {}
func (m *monitor) close(*Server)           {}

type watchers struct{}

func (w *watchers) any() bool               { return false }
func (w *watchers) tell(*session, [][]byte) {}
