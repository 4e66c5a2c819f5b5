// Package rest is the door that speaks HTTP.
//
// It wires and serves: the calls themselves are in v1, v2 and v3, and what all calls need in exchange.
package rest

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/httpconn"
)

// Server answers requests. Every connection has a goroutine of net/http.
type Server struct {
	service *service
	v1      *apiV1
	v2      *apiV2
	routes  []route
	http    *http.Server
	mux     *http.ServeMux

	listeners    server.Listeners
	conns        httpconn.States
	authFailures atomic.Int64 // requests without the password

	mu       sync.Mutex // guards draining
	draining bool
}

// New makes a door to the given client; Serve opens it.
func New(client *kafka.Client, opts Options, log *slog.Logger) *Server {
	s := &Server{service: newService(client, opts, log), conns: httpconn.NewStates()}
	s.v1, s.v2 = newV1(s.service), newV2(s.service)
	s.routes = slices.Concat(s.v2.routes(), s.v1.routes(), documentRoutes(), v3Routes())
	s.service.countRoutes(s.routes)
	s.mux = s.routing()
	s.http = s.server(s.handler(s.mux))
	return s
}

// Reconfigure changes the settings. A request keeps those that it began with. MaxConnections, HeaderTimeout, BodyTimeout,
// IdleTimeout and H2C stay as they were at the start.
func (s *Server) Reconfigure(opts Options) { s.service.reconfigure(opts) }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }
