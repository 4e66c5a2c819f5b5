package resp

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
	"github.com/sluice-proxy/sluice/server/resp/conn"
)

// acceptGap is how long a turn of the accept loop may take before the loop counts as stuck.
const acceptGap = 10 * time.Second

// ListenerOptions are what the connections of one listener have of their own. The zero value is nothing.
type ListenerOptions struct {
	// Name is the listener's, empty for the one that has none.
	Name string
	// Key says what a key of BLPOP means that does not say it.
	Key blpopkey.Defaults
	// AckTimeout takes the place of Options.AckTimeout; 0 does not.
	AckTimeout time.Duration
}

// Serve accepts connections until Drain, or until the listener is closed, which is one of TCP or of a unix socket. Running
// out of file descriptors slows accepting down; it does not end it.
func (s *Server) Serve(listener net.Listener, o ListenerOptions) error {
	beat, end := s.options().Register.Loop(strings.TrimSuffix("accept:resp:"+o.Name, ":"), acceptGap)
	defer end()
	l := server.NewListener(listener, beat)
	if !s.listeners.Add(l) {
		return l.Close()
	}
	defer s.listeners.Done()
	defer func() { _ = l.Close() }()
	var pause backoff
	for {
		accepted, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.admit(accepted.(conn.Socket), &o) //nolint:forcetypeassert // connections of TCP and of unix sockets are some
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			s.log.Warn("connection not accepted", "err", err, "pause", pause.next())
			l.Pause(pause.value())
		}
	}
}

// backoff is the time between attempts that fail: 5 ms, doubling up to a second.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	*b = min(max(2**b, backoff(5*time.Millisecond)), backoff(time.Second))
	return b.value()
}

func (b *backoff) value() time.Duration { return time.Duration(*b) }

// admit starts a session, or refuses the connection as Redis does (networking.c, acceptCommonHandler).
func (s *Server) admit(socket conn.Socket, o *ListenerOptions) {
	session, err := s.open(socket, o)
	if err != nil {
		s.counters.refused.Add(1)
		_ = socket.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = socket.Write([]byte("-" + err.Error() + "\r\n"))
		_ = socket.Close()
		return
	}
	s.sessions.running.Go(session.serve)
}

var errMaxClients = errors.New("ERR max number of clients reached")

func (s *Server) open(socket conn.Socket, o *ListenerOptions) (*session, error) {
	c, err := conn.New(socket, s.limits(s.options().Password == ""))
	if err != nil {
		return nil, err
	}
	session := newSession(s, c, o)
	if !s.sessions.add(session, s.options().MaxClients) {
		return nil, errMaxClients
	}
	return session, nil
}
