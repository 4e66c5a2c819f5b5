package rest

import (
	"net/http"

	"github.com/sluice-proxy/sluice/metrics"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// MostStreams is how many requests there may be at once on a connection of HTTP/2.
const MostStreams = maxStreams

// Handle adds a route.
func (s *Server) Handle(r *exchange.Route) {
	s.service.Meters[r] = &metrics.Meter{}
	s.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, asked *http.Request) { s.service.Answer(w, asked, r) })
}

// AllRoutes returns the table of all calls.
func (s *Server) AllRoutes() []exchange.Route { return s.routes }
