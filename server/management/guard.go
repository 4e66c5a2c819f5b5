package management

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server"
)

// guard refuses requests of web pages to the TCP listener, which asks for no password. A page in an operator's browser
// must not read it under a name that resolves to our address (DNS rebinding), nor as another origin. RFC 9110, 15.5.20,
// has the status.
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

// bodiless refuses requests that have a body, before the body is read: no call expects one.
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
