package resp

import (
	"errors"
	"net"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/conn"
)

// acceptGap is how long a turn of the accept loop may take before the loop counts as stuck.
const acceptGap = 10 * time.Second

// Serve accepts connections until Drain, or until the listener is closed. Running out of file
// descriptors slows accepting down; it does not end it.
func (s *Server) Serve(tcp *net.TCPListener) error {
	beat, end := s.options().Register.Loop("accept:resp", acceptGap)
	defer end()
	l := server.NewListener(tcp, beat)
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
			s.admit(accepted.(*net.TCPConn)) //nolint:forcetypeassert // it comes from a TCP listener
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
func (s *Server) admit(tcp *net.TCPConn) {
	session, err := s.open(tcp)
	if err != nil {
		s.counters.refused.Add(1)
		_ = tcp.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = tcp.Write([]byte("-" + err.Error() + "\r\n"))
		_ = tcp.Close()
		return
	}
	s.sessions.running.Go(session.serve)
}

var errMaxClients = errors.New("ERR max number of clients reached")

func (s *Server) open(tcp *net.TCPConn) (*session, error) {
	c, err := conn.New(tcp, s.limits(s.options().Password == ""))
	if err != nil {
		return nil, err
	}
	session := newSession(s, c)
	if !s.sessions.add(session, s.options().MaxClients) {
		return nil, errMaxClients
	}
	return session, nil
}
