package resp

import (
	"runtime/debug"

	"github.com/sluice-proxy/sluice/kafka"
)

// owner is the session that consumes as the identity, nil when none does.
func (s *Server) owner(id kafka.Identity) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[id]
}

func (s *Server) setOwner(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[session.member.Identity()] = session
}

// leave ends the session's membership, if it has one. Politely, its records go to others at once.
func (s *session) leave(politely bool) {
	if s.member == nil {
		return
	}
	s.member.Leave(politely)
	s.server.disown(s)
	s.member, s.interest = nil, nil
}

func (s *Server) disown(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := session.member.Identity(); s.owners[id] == session {
		delete(s.owners, id)
	}
}

// forget drops a session that has ended.
func (s *Server) forget(gone *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, gone.id)
	if gone.member != nil && s.owners[gone.member.Identity()] == gone {
		delete(s.owners, gone.member.Identity())
	}
}

// stack is the calling goroutine's, for the log of a panic.
func stack() string { return string(debug.Stack()) }
