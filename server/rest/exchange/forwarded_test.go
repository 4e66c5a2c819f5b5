package exchange

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

func TestWhereTheClientReachesUs(t *testing.T) {
	t.Parallel()
	near := &Options{Names: Names{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}}
	for _, c := range []struct {
		opts   *Options
		peer   string
		header http.Header
		want   string
	}{
		{&Options{}, "10.0.0.1:1", http.Header{"Forwarded": {"host=a"}, "X-Forwarded-Host": {"a"}}, "http://door:8082"},
		{&Options{Names: Names{BaseURI: "https://kafka.example/rest"}}, "10.0.0.1:1", http.Header{"Forwarded": {"host=a"}}, "https://kafka.example/rest"},
		{near, "192.0.2.1:1", http.Header{"Forwarded": {"host=a"}, "X-Forwarded-Host": {"a"}}, "http://door:8082"},
		{near, "10.0.0.1:1", http.Header{}, "http://door:8082"},
		{near, "[::ffff:10.0.0.1]:1", http.Header{"X-Forwarded-Host": {"a"}}, "http://a"},
		{near, "[::1]:1", http.Header{"Forwarded": {`for=192.0.2.43;proto=HTTPS;host="[2001:db8::1]:8443", host=b`}}, "https://[2001:db8::1]:8443"},
		{near, "10.0.0.1:1", http.Header{"Forwarded": {`For="[2001:db8:cafe::17]:4711" ; Host = kafka.example`}}, "http://kafka.example"},
		{near, "10.0.0.1:1", http.Header{"Forwarded": {"proto=https"}, "X-Forwarded-Host": {"a:8443, b"}, "X-Forwarded-Proto": {"http"}}, "https://a:8443"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https,http"}, "X-Forwarded-Prefix": {"/kafka/rest/"}}, "https://door:8082/kafka/rest"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"javascript"}, "X-Forwarded-Host": {"a/b"}, "X-Forwarded-Prefix": {"//evil"}}, "http://door:8082"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Host": {"a\"b"}, "Forwarded": {`host="a\"b"`}, "X-Forwarded-Prefix": {"x"}}, "http://door:8082"},
		{near, "10.0.0.1:1", http.Header{"Forwarded": {`host="[:11]:1"`}, "X-Forwarded-Prefix": {"/a%zz"}}, "http://door:8082"}, // found by fuzzing
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Path": {"/bridge/consumers/g"}}, "http://door:8082/bridge"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Path": {"/bridge/consumers/g"}, "X-Forwarded-Prefix": {"/rest"}}, "http://door:8082/bridge"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Path": {"/bridge/consumers/other"}, "X-Forwarded-Prefix": {"/rest"}}, "http://door:8082/rest"},
		{near, "10.0.0.1:1", http.Header{"X-Forwarded-Path": {"//evil/consumers/g"}}, "http://door:8082"},
		{near, "nobody", http.Header{"X-Forwarded-Host": {"a"}}, "http://door:8082"},
	} {
		x := &Exchange{Opts: c.opts, R: &http.Request{RemoteAddr: c.peer, Host: "door:8082", Header: c.header, URL: &url.URL{Path: "/consumers/g"}}}
		if got := x.BaseURI(); got != c.want {
			t.Errorf("from %s %v: %s, want %s", c.peer, c.header, got, c.want)
		}
	}
}
