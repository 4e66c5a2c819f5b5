package management

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server"
)

// guard stands before the TCP listener, which asks nobody for a password. A web page in the browser of
// somebody who reaches it must not read it: not by a name of its own that resolves to our address (DNS
// rebinding; RFC 9110, 15.5.20 has the status), nor as another origin.
func (s *Server) guard(next http.Handler) http.Handler {
	next = bodiless(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !server.AnswersTo(r.Host, s.sources.Hosts):
			refuse(w, http.StatusMisdirectedRequest,
				"not served under this name: ask by address or as localhost, or allow it in management.hosts")
		case !server.SameOrigin(r.Header.Get("Origin"), r.Host):
			refuse(w, http.StatusForbidden, "not served to other origins")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// bodiless refuses requests that bring a body, before it is read: none is expected anywhere.
func bodiless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge, "no body is expected")
			return
		}
		next.ServeHTTP(w, r)
	})
}
