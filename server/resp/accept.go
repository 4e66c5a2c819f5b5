package resp

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/sluice-proxy/sluice/server"
)

const (
	acceptBeat = time.Second           // the longest time between two signs of life
	acceptLast = 10 * time.Millisecond // how long a drain still takes in who has connected already
	backlog    = 4096                  // as many connections wait in a listener at most (net.core.somaxconn, tcp(7))
)

// Serve accepts connections until Drain, or until the listener is closed. Running out of file
// descriptors slows accepting down; it does not end it.
func (s *Server) Serve(l *net.TCPListener) error {
	if !s.enlist(l) {
		return l.Close()
	}
	defer s.accepting.Done()
	beat, end := s.options().Register.Loop("accept:resp", 10*acceptBeat)
	defer end()
	var pause backoff
	for {
		conn, err := s.accept(l)
		beat()
		switch {
		case err == nil:
			pause = 0
			s.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if s.draining.Load() {
				s.sweep(l)
				return l.Close()
			}
			s.await(l)
		default:
			s.log.Warn("connection not accepted", "err", err, "pause", pause.next())
			time.Sleep(pause.value())
		}
	}
}

// accept leaves the spare descriptors to others: clients wait in the kernel.
func (s *Server) accept(l *net.TCPListener) (*net.TCPConn, error) {
	if !s.draining.Load() && server.Scarce() {
		return nil, server.ErrScarce
	}
	return l.AcceptTCP()
}

// enlist notes the listener for Drain; false when that has begun already.
func (s *Server) enlist(l *net.TCPListener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.accepting.Add(1)
	s.listeners = append(s.listeners, l)
	s.await(l)
	return true
}

// await lets Accept wait: not for ever, so that the loop shows that it lives.
func (s *Server) await(l *net.TCPListener) {
	_ = l.SetDeadline(time.Now().Add(acceptBeat))
	if s.draining.Load() { // Drain sets it before it shortens the deadline: one of the two is the last
		_ = l.SetDeadline(time.Now().Add(acceptLast))
	}
}

// closeListeners lets in who has connected already, and returns when nobody is let in any more. A
// listener that was closed at once would reset the connections that wait in it.
func (s *Server) closeListeners() {
	s.mu.Lock()
	s.draining.Store(true)
	for _, l := range s.listeners {
		_ = l.SetDeadline(time.Now().Add(acceptLast))
	}
	s.mu.Unlock()
	s.accepting.Wait()
}

// sweep lets in who connected while the last deadline passed: AcceptTCP does not look any more then, and
// Close would reset them. What may be left is the moment between its last look and Close.
func (s *Server) sweep(l *net.TCPListener) {
	for range backlog {
		conn, err := server.AcceptNow(l)
		if err != nil {
			return
		}
		s.admit(conn)
	}
}

// backoff is the time between attempts that fail: 5 ms, doubling up to a second.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	*b = min(max(2**b, backoff(5*time.Millisecond)), backoff(time.Second))
	return b.value()
}

func (b *backoff) value() time.Duration { return time.Duration(*b) }

// admit starts a session, or turns the connection away as Redis does (networking.c,
// acceptCommonHandler).
func (s *Server) admit(conn *net.TCPConn) {
	session, err := s.open(conn)
	if err != nil {
		s.refused.Add(1)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("-" + err.Error() + "\r\n"))
		_ = conn.Close()
		return
	}
	s.going.Go(session.serve)
}

var errMaxClients = errors.New("ERR max number of clients reached")

func (s *Server) open(conn *net.TCPConn) (*session, error) {
	server.Keepalive(conn)
	wire, err := newWire(conn, s.limits(s.options().Password == ""))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.options().MaxClients {
		return nil, errMaxClients
	}
	session := newSession(s, wire, s.accepted.Add(1))
	s.sessions[session.id] = session
	return session, nil
}
