package management

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/server"
)

// The bounds of one connection, and of all connections. Requests here are small and rare.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	headerBytes    = 16 << 10
	maxConnections = 128 // of each listener; for one more, the one that has been silent longest is closed
	heldBack       = 8   // descriptors, until clients and librdkafka have used up all others
)

func (s *Server) http(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           attended(handler),
		ConnContext:       withCaller,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on a listener that anybody may reach. It returns nil after Close.
func (s *Server) Serve(l net.Listener) error { return s.serve(s.open, l, "management") }

// ServeControl answers on the control socket, until Close; nil then. Who may open it may stop the
// process: its mode is the caller's affair.
func (s *Server) ServeControl(l net.Listener) error { return s.serve(s.control, l, "control") }

func (s *Server) serve(on *http.Server, l net.Listener, loop string) error {
	beat, end := s.sources.Register.Loop(loop, server.AcceptGap)
	defer end()
	err := on.Serve(s.callers(l, beat))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close closes the listeners and lets requests that are being answered finish, until ctx ends.
func (s *Server) Close(ctx context.Context) {
	for _, on := range []*http.Server{s.open, s.control} {
		if on.Shutdown(ctx) != nil {
			_ = on.Close()
		}
	}
	s.reserve.Close()
}
