package resttest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Dial opens a connection to the door.
func (s *Sluice) Dial() (net.Conn, *bufio.Reader) {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		s.T.Fatal(err)
	}
	out, in := &Spoken{Conn: conn}, bufio.NewReader(conn)
	s.spoken.Store(in, out)
	return out, in
}

func (s *Sluice) Write(conn net.Conn, format string, values ...any) {
	s.T.Helper()
	if _, err := fmt.Fprintf(conn, format, values...); err != nil {
		s.T.Fatal(err)
	}
}

// Answered reads an answer from a connection, with its body.
func (s *Sluice) Answered(in *bufio.Reader) (*Reply, string) {
	s.T.Helper()
	answer, err := s.Said(in)
	if err != nil {
		s.T.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return replyOf(answer), string(text)
}

// Said reads an answer from a connection of Dial. Its body is checked when it was read.
func (s *Sluice) Said(in *bufio.Reader) (*http.Response, error) {
	method, path := http.MethodGet, "*"
	if out, is := s.spoken.Load(in); is {
		method, path = out.(*Spoken).request()
	}
	got, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil {
		got.Body = (&witness{t: s.T}).body(got, method, path)
	}
	return got, err
}

// Spoken is a connection that remembers what was written to it.
type Spoken struct {
	net.Conn

	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (s *Spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.text.Write(p)
	s.mu.Unlock()
	return s.Conn.Write(p)
}

// request takes the next request that was written; its body may be incomplete. Text that is no request has the path *,
// which the document does not have.
func (s *Spoken) request() (method, path string) {
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

// RefusedAfter reads the answers to good requests, then one refusal, and then the end.
func (s *Sluice) RefusedAfter(in *bufio.Reader, good, status int, message string) {
	s.T.Helper()
	for range good {
		if answer, text := s.Answered(in); answer.StatusCode != 200 {
			s.T.Errorf("a good one: %d %s", answer.StatusCode, text)
		}
	}
	answer, text := s.Answered(in)
	WantFailure(s.T, "refused", answer, text, status, status, message)
	if !answer.Close {
		s.T.Error("the connection goes on")
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 { // an error is the end, too
		s.T.Errorf("after that: %q", rest)
	}
}

// HalfAProduce is a request whose last byte has not come yet.
const HalfAProduce = "POST /topics/blobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + AsJSON +
	"\r\nContent-Length: 25\r\n\r\n" + `{"records":[{"value":1}]`
