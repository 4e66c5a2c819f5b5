package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// routing makes the mux of all routes. A pattern knows all its methods, so that others get an answer of ours.
func (s *Server) routing() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, methods := range byPattern(s.routes) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if chosen := methods[method]; chosen != nil {
				s.service.Answer(w, r, chosen)
				return
			}
			w.Header().Set("Allow", allowed(methods))
			s.service.Refuse(w, r, exchange.Errorf(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed: use %s", allowed(methods)))
		})
	}
	mux.HandleFunc("/", s.notFound)
	return mux
}

// byPattern returns the routes by their patterns, and then by their methods.
func byPattern(routes []exchange.Route) map[string]map[string]*exchange.Route {
	patterns := map[string]map[string]*exchange.Route{}
	for i := range routes {
		r := &routes[i]
		if patterns[r.Pattern] == nil {
			patterns[r.Pattern] = map[string]*exchange.Route{}
		}
		patterns[r.Pattern][r.Method] = r
	}
	return patterns
}

// openPaths are the paths of the routes that need no password.
func (s *Server) openPaths() map[string]bool {
	open := map[string]bool{}
	for i := range s.routes {
		if s.routes[i].Open {
			open[s.routes[i].Pattern] = true
		}
	}
	return open
}

// allowed returns the methods as the Allow header has them.
func allowed(methods map[string]*exchange.Route) string {
	var names []string
	for name := range methods {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// notFound answers every path without a route.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.service.Refuse(w, r, exchange.Errorf(http.StatusNotFound, "HTTP 404 Not Found"))
}
