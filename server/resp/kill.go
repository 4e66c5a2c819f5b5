package resp

import (
	"errors"
	"fmt"
)

// Redis' own words (networking.c, clientKillCommand).
var (
	errNoSuchClient = errors.New("No such client") //nolint:staticcheck // Redis' text
	errClientID     = errors.New("client-id should be greater than 0")
)

// clientKill answers CLIENT KILL <addr:port> with OK, and CLIENT KILL <filter> <value> ... with the
// number of connections cut.
func clientKill(s *session, args [][]byte) error {
	if len(args) == 3 {
		return s.killAt(string(args[2]))
	}
	doomed, err := parseKilled(s, args[2:])
	if err != nil {
		return err
	}
	n, self := s.server.kill(&doomed, s)
	s.out.Int(int64(n))
	return farewell(self)
}

func (s *session) killAt(addr string) error {
	n, self := s.server.kill(&selection{addr: addr}, s)
	if n == 0 {
		return errNoSuchClient
	}
	s.out.OK()
	return farewell(self)
}

// kill cuts the connections that are meant and returns how many. The caller's own is left to end
// itself, behind its reply.
func (s *Server) kill(doomed *selection, caller *session) (n int, self bool) {
	for _, other := range s.all() {
		if !doomed.fits(other) {
			continue
		}
		n++
		if other == caller {
			self = true
			continue
		}
		other.kill()
	}
	return n, self
}

func farewell(self bool) error {
	if self {
		return endError{errKilled}
	}
	return nil
}

// killFilters read the value of each filter of CLIENT KILL.
var killFilters = map[string]func(*selection, []byte) error{
	"id":    (*selection).onlyID,
	"type":  (*selection).clientType,
	"user":  (*selection).user,
	"addr":  func(f *selection, arg []byte) error { f.addr = string(arg); return nil },
	"laddr": func(f *selection, arg []byte) error { f.laddr = string(arg); return nil },
}

func parseKilled(s *session, args [][]byte) (selection, error) {
	doomed := selection{skip: s}
	if len(args)%2 != 0 {
		return doomed, errSyntax
	}
	for i := 0; i < len(args); i += 2 {
		var buf [32]byte
		filter := killFilters[string(lower(args[i], &buf))]
		var err error
		switch {
		case filter != nil:
			err = filter(&doomed, args[i+1])
		case is(args[i], "skipme") && is(args[i+1], "no"):
			doomed.skip = nil
		case is(args[i], "skipme") && is(args[i+1], "yes"):
			doomed.skip = s
		default:
			err = errSyntax
		}
		if err != nil {
			return doomed, err
		}
	}
	return doomed, nil
}

func (f *selection) onlyID(arg []byte) error {
	id, err := parseInt(arg)
	if err != nil || id < 1 {
		return errClientID
	}
	f.ids = map[int64]bool{id: true}
	return nil
}

func (f *selection) user(arg []byte) error {
	if string(arg) != string(defaultUser) {
		return fmt.Errorf("No such user '%s'", cut(arg, 128)) //nolint:staticcheck // Redis' text
	}
	return nil
}
