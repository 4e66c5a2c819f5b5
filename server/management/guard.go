package management

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard stands before the TCP listener, which asks nobody for a password. A web page in the browser of
// somebody who reaches it must not read it: not by a name of its own that resolves to our address (DNS
// rebinding; RFC 9110, 15.5.20 has the status), nor as another origin.
func (s *Server) guard(next http.Handler) http.Handler {
	next = bodiless(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch origin := r.Header.Get("Origin"); {
		case !s.answersTo(hostname(r.Host)):
			refuse(w, http.StatusMisdirectedRequest,
				"not served under this name: ask by address or as localhost, or allow it in management.hosts")
		case origin != "" && !sameHost(origin, r.Host):
			refuse(w, http.StatusForbidden, "not served to other origins")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// answersTo tells whether a name cannot be a stranger's: an address is not resolved by anybody, and
// without a name (HTTP/1.0) nobody was.
func (s *Server) answersTo(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	same := func(name string) bool { return strings.EqualFold(name, host) }
	return host == "" || same("localhost") || slices.ContainsFunc(s.sources.Hosts, same)
}

// hostname is a Host header without its port, brackets and final dot.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.TrimSuffix(host, ".")
}

// sameHost compares an Origin header with a Host header; "null" is like nobody.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
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
