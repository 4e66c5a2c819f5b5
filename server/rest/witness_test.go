package rest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// witness passes requests on, and checks every answer against the document: its status and header at once,
// what was read of its body when that ends or is closed.
type witness struct {
	t    testing.TB
	next http.RoundTripper
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := w.next.RoundTrip(r)
	if err == nil {
		got.Body = w.body(got, r.Method, r.URL.RequestURI())
	}
	return got, err
}

func (w *witness) body(got *http.Response, method, path string) io.ReadCloser {
	a := &answer{method: method, path: path, status: got.StatusCode, header: got.Header}
	return &witnessed{ReadCloser: unpacked(got), t: w.t, answer: a}
}

// witnessed is a body that is checked.
type witnessed struct {
	io.ReadCloser

	t      testing.TB
	once   sync.Once
	answer *answer
}

func (w *witnessed) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.answer.body = append(w.answer.body, p[:n]...)
	if err != nil {
		w.answer.whole = err == io.EOF
		w.check()
	}
	return n, err
}

func (w *witnessed) Close() error {
	w.check()
	return w.ReadCloser.Close()
}

func (w *witnessed) check() {
	w.once.Do(func() { theContract().check(w.t, w.answer) })
}

// spoken is a connection that remembers what was written to it.
type spoken struct {
	net.Conn

	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.text.Write(p)
	s.mu.Unlock()
	return s.Conn.Write(p)
}

// request takes the next request that was written; its body may not be whole. What is no request is the
// path *, which the document does not have.
func (s *spoken) request() (method, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := bufio.NewReader(&s.text)
	r, err := http.ReadRequest(in)
	if err != nil {
		return http.MethodGet, "*"
	}
	_, _ = io.Copy(io.Discard, r.Body)
	rest, _ := io.ReadAll(in)
	s.text.Reset()
	s.text.Write(rest)
	return r.Method, r.RequestURI
}

// said is the answer that comes next on a connection of dial. Its body is checked when it was read.
func (s *sluice) said(in *bufio.Reader) (*http.Response, error) {
	method, path := http.MethodGet, "*"
	if out, is := s.spoken.Load(in); is {
		method, path = out.(*spoken).request()
	}
	got, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil {
		got.Body = (&witness{t: s.t}).body(got, method, path)
	}
	return got, err
}

// The witness itself: what is not in the document does not pass.
func TestAWitnessSeesWhatIsNotDescribed(t *testing.T) {
	header := func(kind string) http.Header {
		return http.Header{"Content-Type": {kind}, requestID: {"1"}, "Retry-After": {"1"}}
	}
	for _, c := range []struct {
		answer answer
		says   string
	}{
		{answer{"GET", "/brokers", 200, header(v2Type), []byte(`{"brokers":[0]}`), true}, ""},
		{answer{"HEAD", "/brokers/", 200, header(jsonType), nil, true}, ""},
		{answer{"GET", "/brokers", 200, header(v2Type), []byte(`{"brokers":["0"]}`), true}, "got string, want integer"},
		{answer{"GET", "/brokers", 200, header(v2Type), []byte(`{"brokers":[0],"more":1}`), true}, "additional properties"},
		{answer{"GET", "/brokers", 200, header(v2Type), []byte(`{}`), true}, "missing property"},
		{answer{"GET", "/brokers", 200, header(v2Type), []byte(`{`), true}, "unexpected EOF"},
		{answer{"GET", "/brokers", 200, header("text/plain"), []byte(`{"brokers":[0]}`), true}, "Content-Type"},
		{answer{"GET", "/brokers", 200, http.Header{"Content-Type": {v2Type}}, []byte(`{"brokers":[0]}`), true}, "without X-Request-Id"},
		{answer{"GET", "/brokers", 418, header(v2Type), nil, true}, "not in openapi.json"},
		{answer{"PUT", "/brokers", 200, header(v2Type), nil, true}, "not in openapi.json"},
		{answer{"GET", "/nothing", 200, header(v2Type), nil, true}, "not in openapi.json"},
		{answer{"GET", "/nothing", 404, header(v2Type), []byte(`{"error_code":404,"message":"no"}`), true}, ""},
		{answer{"GET", "/nothing", 404, header(v2Type), []byte(`{"error_code":500,"message":"no"}`), true}, "not as openapi.json"},
		{answer{"POST", "/topics/a?async=true", 204, header(v2Type), []byte(`x`), true}, "with a body"},
		{answer{"POST", "/v1/topics/a/records", 200, header(ndjsonType), []byte("{\"line\":1,\"partition\":0,\"offset\":0,\"timestamp\":1}\n{\"li"), false}, ""},
		{answer{"POST", "/v1/topics/a/records", 200, header(ndjsonType), []byte("{\"line\":1,\"offset\":0}\n"), false}, "missing propert"},
		{answer{"GET", "/brokers", 503, http.Header{"Content-Type": {v2Type}, requestID: {"1"}}, []byte(`{"error_code":50003,"message":"no"}`), true}, "without Retry-After"},
	} {
		notes := &notes{TB: t}
		theContract().check(notes, &c.answer)
		said := notes.String()
		if (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s %s %d %s: %q, want %q", c.answer.method, c.answer.path, c.answer.status, c.answer.body, said, c.says)
		}
	}
}

// notes collects what would fail a test.
type notes struct {
	testing.TB
	strings.Builder
}

func (n *notes) Helper() {}

func (n *notes) Errorf(format string, values ...any) { fmt.Fprintf(&n.Builder, format+"\n", values...) }
