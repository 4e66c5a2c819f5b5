package rest

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// route is one call: how it is asked for, and what answers it.
type route struct {
	method, pattern string
	run             func(*exchange) error
}

// routes are all calls there are.
var routes = slices.Concat(metadataRoutes, produceRoutes, instanceRoutes, recordRoutes, takeRoutes, documentRoutes,
	v3ProduceRoutes, v3ClusterRoutes, v3GroupRoutes, peekRoutes, groupRoutes)

// routing makes the mux. A pattern knows all its methods, so that others get an answer of ours.
func (s *Server) routing() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, methods := range byPattern() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if chosen := methods[method]; chosen != nil {
				s.answer(w, r, chosen)
				return
			}
			w.Header().Set("Allow", allowed(methods))
			s.refuse(w, r, plain(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed: use %s", allowed(methods)))
		})
	}
	mux.HandleFunc("/", s.lost)
	return mux
}

func byPattern() map[string]map[string]*route {
	patterns := map[string]map[string]*route{}
	for i := range routes {
		r := &routes[i]
		if patterns[r.pattern] == nil {
			patterns[r.pattern] = map[string]*route{}
		}
		patterns[r.pattern][r.method] = r
	}
	return patterns
}

func allowed(methods map[string]*route) string {
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

// lost answers every other path.
func (s *Server) lost(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, plain(http.StatusNotFound, "HTTP 404 Not Found"))
}

// straight is the request without the slash that some clients end paths with; false when the path is so
// crooked that the mux would send the client elsewhere. Two slashes are one behind "positions" only, where
// clients put "beginning" behind a path that has its own: elsewhere a name is missing between them.
func straight(r *http.Request) (*http.Request, bool) {
	escaped := r.URL.EscapedPath()
	if len(escaped) > 1 && (strings.HasSuffix(escaped, "/") || strings.Contains(escaped, "/positions//")) {
		trimmed, url := *r, *r.URL
		url.Path, url.RawPath = trim(url.Path), trim(url.RawPath)
		trimmed.URL = &url
		r, escaped = &trimmed, url.EscapedPath()
	}
	return r, strings.HasPrefix(escaped, "/") && path.Clean(escaped) == escaped
}

func trim(path string) string {
	return strings.TrimSuffix(strings.Replace(path, "/positions//", "/positions/", 1), "/")
}
