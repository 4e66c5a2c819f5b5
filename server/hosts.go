package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// AnswersTo tells whether a Host header cannot be a stranger's, who gave our address a name of his own to
// let a browser reach it (DNS rebinding): an address is not resolved by anybody, without a name
// (HTTP/1.0) nobody was, and the names given are ours, as is localhost.
func AnswersTo(hostport string, names []string) bool {
	host := hostname(hostport)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	same := func(name string) bool { return strings.EqualFold(name, host) }
	return host == "" || same("localhost") || slices.ContainsFunc(names, same)
}

// hostname is a Host header without its port, brackets and final dot.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.TrimSuffix(host, ".")
}

// SameOrigin tells whether a page that sends this Origin header came from the host it asks. No header
// is no page; "null" is like nobody.
func SameOrigin(origin, host string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// SameSite tells whether a GET that has an effect may have it: browsers send the GET of an image or a script
// of any page to anybody, without Origin, and say so in Sec-Fetch-Site (W3C Fetch Metadata) when they ask a
// loopback address or over TLS. "none" is the address bar. A page is not fetched ahead of its reader either.
func SameSite(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return (site == "" || site == "same-origin" || site == "none") && h.Get("Sec-Purpose") == ""
}
