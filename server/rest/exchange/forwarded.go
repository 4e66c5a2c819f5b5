package exchange

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// BaseURI returns the address under which the client reaches this door, without a slash at its end. It is the
// configured one, the one that a proxy tells, or the one that was asked for.
func (x *Exchange) BaseURI() string {
	if x.Opts.BaseURI != "" {
		return x.Opts.BaseURI
	}
	scheme := "http"
	if x.R.TLS != nil {
		scheme = "https"
	}
	var f forwarded
	if x.Opts.trusts(x.R.RemoteAddr) {
		f = readForwarded(x.R.Header)
		f.prefix = cmp.Or(prefixOf(firstOf(x.R.Header.Get("X-Forwarded-Path")), x.R.URL), f.prefix)
	}
	return cmp.Or(f.proto, scheme) + "://" + cmp.Or(f.host, x.R.Host) + f.prefix
}

// trusts reports whether a peer is a proxy that may say how it was asked.
func (o *Options) trusts(peer string) bool {
	if len(o.TrustedProxies) == 0 {
		return false
	}
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	for _, p := range o.TrustedProxies {
		if p.Contains(at.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// forwarded is how a proxy was asked; fields are empty if nobody says. Of several proxies the first counts, which is
// the client's.
type forwarded struct{ proto, host, prefix string }

var (
	forwardedHost   = regexp.MustCompile(`^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)
	forwardedPrefix = regexp.MustCompile(`^(/([A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+){1,16}$`)
)

// readForwarded reads Forwarded (RFC 7239), and for what that lacks X-Forwarded-Proto, -Host and -Prefix. Malformed
// values are ignored.
func readForwarded(header http.Header) forwarded {
	f := parseForwarded(header.Get("Forwarded"))
	f.proto = cmp.Or(f.proto, knownProto(firstOf(header.Get("X-Forwarded-Proto"))))
	f.host = cmp.Or(f.host, knownHost(firstOf(header.Get("X-Forwarded-Host"))))
	if prefix := strings.TrimRight(firstOf(header.Get("X-Forwarded-Prefix")), "/"); forwardedPrefix.MatchString(prefix) {
		f.prefix = prefix
	}
	return f
}

// prefixOf returns what a proxy took from the path that the client asked for, as X-Forwarded-Path of API gateways has it.
func prefixOf(path string, asked *url.URL) string {
	if path == "" {
		return ""
	}
	if prefix, is := strings.CutSuffix(path, asked.EscapedPath()); is && forwardedPrefix.MatchString(prefix) {
		return prefix
	}
	return ""
}

// parseForwarded reads the first element: pairs of a token and a token or quoted string, separated by semicolons. No
// value that counts has a comma, a semicolon or an escape in it.
func parseForwarded(field string) (f forwarded) {
	for pair := range strings.SplitSeq(firstOf(field), ";") {
		name, value, _ := strings.Cut(pair, "=")
		value = unquoted(strings.TrimSpace(value))
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "proto":
			f.proto = knownProto(value)
		case "host":
			f.host = knownHost(value)
		}
	}
	return f
}

func firstOf(field string) string {
	first, _, _ := strings.Cut(field, ",")
	return strings.TrimSpace(first)
}

func unquoted(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

func knownProto(given string) string {
	if given = strings.ToLower(given); given == "http" || given == "https" {
		return given
	}
	return ""
}

func knownHost(given string) string {
	if u, err := url.Parse("http://" + given); err == nil && u.Host == given && forwardedHost.MatchString(given) {
		return given
	}
	return ""
}
