package resp

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// session returns the live session of that id, nil when there is none.
func (s *Server) session(id int64) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// inOrder returns the sessions of now, the oldest first.
func (s *Server) inOrder() []*session {
	list := s.all()
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	return list
}

// blocked tells whether the session waits for a record. Any goroutine may ask.
func (s *session) blocked() bool { return s.unblocked.Load() == stillBlocked }

func clientInfo(s *session, _ [][]byte) error {
	s.out.Verbatim(s.describe() + "\n")
	return nil
}

// describe is the session's line in CLIENT LIST, with Redis' fields in their order (networking.c,
// catClientInfoString); what sluice does not have is zero.
func (s *session) describe() string {
	now := time.Now()
	blocked := s.blocked()
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=0 psub=0 ssub=0 multi=%s "+
		"qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=%s user=default redir=-1 "+
		"resp=%d lib-name=%s lib-ver=%s",
		s.id, s.remote(), s.local(), s.name, int(now.Sub(s.connected).Seconds()), int(now.Sub(s.active).Seconds()),
		s.visible.letters(blocked), s.visible.queued(), cmp.Or(s.last, "NULL"), max(2, s.visible.proto), s.library[0], s.library[1])
}

func (s *session) local() string { return s.conn.LocalAddr().String() }

// queued is 0 inside MULTI, whatever is queued, and -1 outside, as in Redis.
func (v *visible) queued() string {
	if v.multi {
		return "0"
	}
	return "-1"
}

// letters are Redis' flags of a client.
func (v *visible) letters(blocked bool) string {
	var b strings.Builder
	for _, flag := range []struct {
		letter byte
		set    bool
	}{{'O', v.monitor}, {'x', v.multi}, {'b', blocked}, {'t', v.tracking}, {'e', v.noEvict}, {'T', v.noTouch}} {
		if flag.set {
			b.WriteByte(flag.letter)
		}
	}
	return cmp.Or(b.String(), "N")
}

// selection is which clients CLIENT LIST and CLIENT KILL mean; zero fields mean any.
type selection struct {
	ids         map[int64]bool
	addr, laddr string
	none        bool // a kind of client that does not exist here
	skip        *session
}

// fits leaves out sessions that were killed and are about to end: Redis frees them at once.
func (f *selection) fits(s *session) bool {
	return !f.none && s != f.skip && !s.killed.Load() && (f.ids == nil || f.ids[s.id]) &&
		(f.addr == "" || f.addr == s.remote()) && (f.laddr == "" || f.laddr == s.local())
}

// clientType reads a TYPE: all clients here are normal ones.
func (f *selection) clientType(arg []byte) error {
	switch {
	case is(arg, "normal"):
	case is(arg, "master"), is(arg, "replica"), is(arg, "slave"), is(arg, "pubsub"):
		f.none = true
	default:
		return fmt.Errorf("Unknown client type '%s'", cut(arg, 128)) //nolint:staticcheck // Redis' text
	}
	return nil
}

var errListedID = errors.New("Invalid client ID") //nolint:staticcheck // Redis' text

// clientList answers CLIENT LIST [TYPE t | ID id ...].
func clientList(s *session, args [][]byte) error {
	wanted, err := parseListed(args[2:])
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, other := range s.server.inOrder() {
		if wanted.fits(other) {
			b.WriteString(other.describe())
			b.WriteByte('\n')
		}
	}
	s.out.Verbatim(b.String())
	return nil
}

func parseListed(args [][]byte) (selection, error) {
	var wanted selection
	switch {
	case len(args) == 0:
		return wanted, nil
	case len(args) == 2 && is(args[0], "type"):
		return wanted, wanted.clientType(args[1])
	case len(args) < 2 || !is(args[0], "id"):
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
