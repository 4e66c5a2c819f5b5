package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// AnswersTo tells whether a request with this Host header may be answered. A stranger can give our address a name of
// his own, so that a browser sends his page's requests to us (DNS rebinding). Such a name is none of the given names, not
// localhost, not an IP address, and not missing as in HTTP/1.0.
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

// SameOrigin tells whether the page that sends this Origin header came from the host that it asks. Without the header no
// page asks. "null" is no host.
func SameOrigin(origin, host string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// SameSite tells whether a GET that has an effect may have it. For an image or a script of any page, browsers send a GET
// without Origin to any host. They say so in Sec-Fetch-Site (W3C Fetch Metadata) when they ask a loopback address, or
// over TLS; "none" is the address bar. A browser that fetches a page before anybody reads it (Sec-Purpose) is refused too.
func SameSite(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return (site == "" || site == "same-origin" || site == "none") && h.Get("Sec-Purpose") == ""
}
