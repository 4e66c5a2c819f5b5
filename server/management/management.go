// Package management is the door for operators.
//
// A TCP listener answers health, metrics and status to anybody. A unix socket answers the same, and also takes orders.
package management

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"

	"github.com/sluice-proxy/sluice/server"
)

// Server answers on the management listener and on the control socket.
type Server struct {
	sources   Sources
	log       *slog.Logger
	scrapes   http.Handler
	reloading sync.Mutex   // held while a reload runs
	open      *http.Server // for anybody: reads only
	control   *http.Server // for those that may open the socket: orders too
	reserve   *server.Reserve
}

// New makes a server; Serve and ServeControl open it.
func New(sources Sources, log *slog.Logger) *Server {
	s := &Server{sources: sources.orDefaults(), log: log, reserve: server.NewReserve(heldBack)}
	s.scrapes = scrapes(s.snapshot, log)
	s.open, s.control = s.http(s.Handler()), s.http(s.Control())
	return s
}

// Handler answers /healthz, /readyz, /metrics, /status, and /debug/pprof when that is on. It refuses what a web page could
// send to it.
func (s *Server) Handler() http.Handler { return s.guard(s.readings()) }

// Control answers what Handler answers, without the guard. It shows who holds what and what is in a record, and takes orders.
func (s *Server) Control() http.Handler {
	mux := s.readings()
	mux.Handle("/reload", posting(s.reload))
	mux.Handle("/drain", posting(s.drain))
	mux.Handle("/leases", reading(s.leases))
	mux.Handle("/errors", reading(s.lastErrors))
	mux.Handle("/peek", reading(s.peek))
	mux.Handle("/dlq", reading(s.deadLetters))
	mux.Handle("/dlq/letter", reading(s.deadLetter))
	mux.Handle("/groups/seek", posting(s.seek))
	mux.Handle("/groups/skip", posting(s.skip))
	return bodiless(mux)
}

func (s *Server) readings() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/healthz", reading(s.healthz))
	mux.Handle("/readyz", reading(s.readyz))
	mux.Handle("/metrics", reading(s.scrapes.ServeHTTP))
	mux.Handle("/status", reading(s.status))
	mux.Handle("/", http.HandlerFunc(lost))
	if s.sources.Pprof {
		mux.Handle("/debug/pprof/", reading(pprof.Index)) // and the profiles by their names
		mux.Handle("/debug/pprof/cmdline", reading(pprof.Cmdline))
		mux.Handle("/debug/pprof/profile", reading(pprof.Profile))
		mux.Handle("/debug/pprof/symbol", reading(pprof.Symbol))
		mux.Handle("/debug/pprof/trace", reading(pprof.Trace))
	}
	return mux
}

// lost answers every other path.
func lost(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusNotFound, "not found: there are /healthz, /readyz, /metrics and /status")
}
