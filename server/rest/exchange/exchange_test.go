package exchange

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func FuzzQuality(f *testing.F) {
	for _, seed := range []string{"", "gzip", "gzip;q=0.5, *;q=0", ";;,,q=", "zstd;q=NaN"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if q := quality([]string{accept}, "gzip"); q < 0 || q > 1000 {
			t.Errorf("%d", q)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"", "{}", gzipped("{}"), gzipped("{}") + gzipped(strings.Repeat("x", 100_000)), "\x28\xb5\x2f\xfd\x84\x00\x00\x10"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, zipped bool) {
		coding := "zstd"
		if zipped {
			coding = "gzip"
		}
		opts := Options{Limits: Limits{MaxBody: 1000}}.orDefaults()
		r := &http.Request{Header: http.Header{"Content-Encoding": {coding}}, Body: io.NopCloser(bytes.NewReader(body))}
		x := &Exchange{Service: &Service{}, Opts: &opts, R: r}
		if err := x.Decompress(); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r.Body)
		if most := int64(max(opts.MaxBody, maxRatio*len(body)) + largeWindow); n > most {
			t.Errorf("%d bytes unpacked to %d, %v", len(body), n, err)
		}
		x.release()
		if held := x.Held.Load(); held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
	})
}

func TestABodyThatIsNotPackedCostsNothing(t *testing.T) {
	x := &Exchange{R: &http.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody}}
	if n := testing.AllocsPerRun(100, func() { _ = x.Decompress() }); n != 0 || x.decompressor != nil {
		t.Errorf("%v allocations", n)
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("for=a;host=b;proto=https, host=c", "a, b", "/x")
	f.Add(`host="[::1]:1";;=;"`, "[]", "/../")
	f.Fuzz(func(t *testing.T, field, host, prefix string) {
		said := readForwarded(http.Header{"Forwarded": {field}, "X-Forwarded-Host": {host}, "X-Forwarded-Prefix": {prefix}})
		x := &Exchange{Opts: &Options{}, R: &http.Request{Host: said.host}}
		if u, err := url.Parse(x.BaseURI() + said.prefix); said.host != "" && (err != nil || u.Host != said.host || u.RawQuery+u.Fragment != "") {
			t.Errorf("%+v: %v %v", said, u, err)
		}
	})
}

// The address of the peer counts, whatever its headers say.
func TestThePeerIsTheAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ remote, want string }{{"10.1.2.3:4", "10.1.2.3"}, {"[2001:db8::1]:4", "2001:db8::1"}, {"@", "invalid IP"}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		if got := (&Exchange{R: r}).Address().String(); got != c.want {
			t.Errorf("%s: %s", c.remote, got)
		}
	}
}

// gzipped compresses a text with gzip.
func gzipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}
