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
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	v1 "github.com/sluice-proxy/sluice/server/rest/v1"
	v2 "github.com/sluice-proxy/sluice/server/rest/v2"
	v3 "github.com/sluice-proxy/sluice/server/rest/v3"
)

// Options are the settings of the door.
type Options = exchange.Options

// DefaultOptions returns what a zero Options stands for.
func DefaultOptions() Options { return exchange.DefaultOptions() }

// Server answers requests. Every connection has a goroutine of net/http.
type Server struct {
	service *exchange.Service
	v1      *v1.API
	V2      *v2.API
	routes  []exchange.Route
	http    *http.Server
	mux     *http.ServeMux

	slots        server.Slots // places for connections
	listeners    server.Listeners
	conns        httpconn.States
	authFailures atomic.Int64 // requests without the password

	mu       sync.Mutex // guards draining
	draining bool
}

// New makes a door to the given client; Serve opens it.
func New(client *kafka.Client, opts exchange.Options, log *slog.Logger) *Server {
	s := &Server{service: exchange.NewService(client, opts, log), conns: httpconn.NewStates()}
	s.slots = server.NewSlots(s.service.Options().MaxConnections)
	s.v1, s.V2 = v1.New(s.service), v2.New(s.service)
	s.routes = slices.Concat(s.V2.Routes(), s.v1.Routes(), documentRoutes(), probeRoutes(), v3.Routes())
	s.service.CountRoutes(s.routes)
	s.mux = s.routing()
	s.http = s.server(s.handler(s.mux))
	return s
}

// Reconfigure changes the settings. A request keeps those that it began with. MaxConnections, HeaderTimeout, BodyTimeout,
// IdleTimeout and H2C stay as they were at the start.
func (s *Server) Reconfigure(opts exchange.Options) { s.service.Reconfigure(opts) }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }
