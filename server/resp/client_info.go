package resp

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// clientInfo is what other sessions may read of a session, for CLIENT LIST. The session's own goroutine writes it, and
// may read it without the lock.
type clientInfo struct {
	mu sync.Mutex // guards what follows

	name      string
	library   [2]string // CLIENT SETINFO: name and version
	last      string    // the last command
	active    time.Time // when that was
	connected time.Time
	flags     clientFlags
}

// clientFlags are what RESET resets.
type clientFlags struct {
	proto                                      int // 0 before HELLO: then it is 2
	multi, monitor, noEvict, noTouch, tracking bool
}

func (i *clientInfo) change(change func(*clientInfo)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

// showLast lets CLIENT LIST show the last command. The session calls it once a turn and before it waits, not for each
// command of a pipeline.
func (s *session) showLast() {
	if s.run.last == nil {
		return
	}
	s.info.mu.Lock()
	defer s.info.mu.Unlock()
	s.info.last, s.info.active = s.run.last.name, time.Now()
	s.run.last = nil
}

func (i *clientInfo) isNamed(name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.name == name
}

func (i *clientInfo) hasName() bool { return !i.isNamed("") }

// rename sets the connection's name. A name of the form group:name is also the identity with which it consumes.
func (s *session) rename(name string) {
	group, member, ok := strings.Cut(name, ":")
	s.consumer.identity, s.consumer.named = kafka.Identity{Group: group, Name: member}, ok && group != "" && member != ""
	s.info.change(func(i *clientInfo) { i.name = name })
}

// remote is the client's address. A client of a unix socket has none, and is shown with the socket's, as in Redis.
func (s *session) remote() string {
	if s.conn.RemoteAddr().Network() == "unix" {
		return s.local()
	}
	return s.conn.RemoteAddr().String()
}

func (s *session) local() string {
	if at := s.conn.LocalAddr(); at.Network() == "unix" {
		return at.String() + ":0"
	}
	return s.conn.LocalAddr().String()
}

// blocked tells whether the session waits for a record. Any goroutine may ask.
func (s *session) blocked() bool { return s.consumer.wait.Load() == stillBlocked }

// describe is the session's line in CLIENT LIST. It has Redis' fields in their order (networking.c,
// catClientInfoString); fields that sluice does not have are zero. Any goroutine may ask.
func (s *session) describe() string {
	now := time.Now()
	blocked := s.blocked()
	i := &s.info
	i.mu.Lock()
	defer i.mu.Unlock()
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=0 psub=0 ssub=0 multi=%s "+
		"qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=%s user=default redir=-1 "+
		"resp=%d lib-name=%s lib-ver=%s",
		s.id, s.remote(), s.local(), i.name, int(now.Sub(i.connected).Seconds()), int(now.Sub(i.active).Seconds()),
		i.flags.letters(blocked), i.flags.queued(), cmp.Or(i.last, "NULL"), max(2, i.flags.proto), i.library[0], i.library[1])
}

// queued is 0 inside MULTI, however much is queued, and -1 outside, as in Redis.
func (f *clientFlags) queued() string {
	if f.multi {
		return "0"
	}
	return "-1"
}

// letters are Redis' letters for the flags of a client.
func (f *clientFlags) letters(blocked bool) string {
	var b strings.Builder
	for _, flag := range []struct {
		letter byte
		set    bool
	}{{'O', f.monitor}, {'x', f.multi}, {'b', blocked}, {'t', f.tracking}, {'e', f.noEvict}, {'T', f.noTouch}} {
		if flag.set {
			b.WriteByte(flag.letter)
		}
	}
	return cmp.Or(b.String(), "N")
}
