package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/httpframe"
)

const (
	hello   = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	posting = "POST /v1/topics/blobs/records HTTP/1.1\r\nHost: localhost\r\n"
)

// refusals are texts that another server may read as something else, or that are no HTTP; and how many
// answers they get before the one that refuses.
var refusals = []struct {
	name, text string
	before     int
	status     int
	message    string
}{
	{"no HTTP", "*1\r\n$4\r\nPING\r\n\r\n", 0, 400, "Bad Request"},
	{"a stranger's version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 0, 505, "unsupported protocol version"},
	{"an unknown version", "GET / HTTP/x\r\nHost: a\r\n\r\n", 0, 400, "Bad Request"},
	{"HTTP/2 where it is off", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 505, "HTTP/2"},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 0, 400, "missing required Host header"},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 0, 400, "malformed Host header"},
	{"another Host than the target's", "GET http://localhost/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 0, 400, "Host is not the one"},
	{"an expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 0, 417, "Expectation Failed"},
	{"a long header", hello[:len(hello)-2] + "X: " + strings.Repeat("x", 30<<10) + "\r\n\r\n", 0, 431, "bytes"},
	{"a header that is a little too long", hello[:len(hello)-2] + "X: " + strings.Repeat("x", httpframe.MaxHeaderBytes) + "\r\n\r\n", 0, 431, "bytes"},
	{"many fields", hello[:len(hello)-2] + strings.Repeat("X: x\r\n", 100) + "\r\n", 0, 431, "100 fields"},

	{"Content-Length and Transfer-Encoding", posting + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hello, 0, 400, "goes neither"},
	{"Transfer-Encoding and Content-Length", posting + "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + hello, 0, 400, "not alone"},
	{"two lengths", posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx" + hello, 0, 400, "not alone"},
	{"one length twice", posting + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + hello, 0, 400, "not alone"},
	{"two lengths in one", posting + "Content-Length: 1, 1\r\n\r\nx" + hello, 0, 400, "not one whole number"},
	{"a length with a sign", posting + "Content-Length: +1\r\n\r\nx" + hello, 0, 400, "not one whole number"},
	{"a negative length", posting + "Content-Length: -1\r\n\r\nx" + hello, 0, 400, "not one whole number"},
	{"a huge length", posting + "Content-Length: 99999999999999999999\r\n\r\nx" + hello, 0, 400, "not one whole number"},
	{"no length", posting + "Content-Length:\r\n\r\nx" + hello, 0, 400, "not one whole number"},
	{"gzip, chunked", posting + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 501, "Not Implemented"},
	{"identity", posting + "Transfer-Encoding: identity\r\n\r\n", 0, 501, "Not Implemented"},
	{"chunked twice", posting + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 501, "Not Implemented"},
	{"chunked with a trick", posting + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 0, 400, "Bad Request"},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hello, 0, 400, "goes neither"},
	{"a field in two lines", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 0, 400, "another line"},
	{"a length in two lines", posting + "Content-Length:\r\n 5\r\n\r\nhello", 0, 400, "not one whole number"},
	{"LF", "GET / HTTP/1.1\nHost: localhost\n\n", 0, 400, "CR LF"},
	{"LF in the header", "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n", 0, 400, "CR LF"},
	{"LF after the header", "GET / HTTP/1.1\r\nHost: localhost\r\n\n", 0, 400, "CR LF"},
	{"CR in a field", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n", 0, 400, "CR LF"},
	{"CR in the target", "GET /\r HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "CR LF"},
	{"NUL", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 0, 400, "Bad Request"},
	{"a space before the colon", posting + "Content-Length : 5\r\n\r\nhello", 0, 400, "Bad Request"},
	{"a space before the name", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 0, 400, "another line"},
	{"no colon", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"no name", "GET / HTTP/1.1\r\n: x\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"a method that is none", "G<>T / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},

	{"a chunk that is longer than it says", posting + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk without a size", posting + "Transfer-Encoding: chunked\r\n\r\n;\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk of a size with a sign", posting + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk of a huge size", posting + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk's size with a LF", posting + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a long extension", posting + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 300) + "\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a trailer with a LF", posting + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: a\n\r\n", 0, 400, "could not be read"},

	{"a bad one after a good one", hello + "GET / HTTP/1.1\nHost: localhost\r\n\r\n", 1, 400, "CR LF"},
	{"a bad one after two good ones", hello + hello + posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 2, 400, "not alone"},
	{"a bad one after a body", posting + "Content-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 1, 400, "another line"},
	{"a bad one after chunks", posting + "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 1, 400, "CR LF"},
}

func TestWhatIsNoCleanHTTPIsRefusedOnceAndInOurShape(t *testing.T) {
	s := start(t, Options{})
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			s := s.of(t)
			conn, in := s.dial()
			s.write(conn, "%s", c.text)
			s.refusedAfter(in, c.before, c.status, c.message)
		})
	}
	eventually(t, "the end of the connections", func() bool { return s.door.Stats().Connections == 0 })
}

// of is the same for a subtest.
func (s *sluice) of(t *testing.T) *sluice {
	return &sluice{t: t, cluster: s.cluster, client: s.client, door: s.door, addr: s.addr, http: s.http}
}

// refusedAfter reads so many answers to good requests, then one that refuses, and then the end.
func (s *sluice) refusedAfter(in *bufio.Reader, good, status int, message string) {
	s.t.Helper()
	for range good {
		if answer, text := s.answered(in); answer.StatusCode != 200 {
			s.t.Errorf("a good one: %d %s", answer.StatusCode, text)
		}
	}
	answer, text := s.answered(in)
	wantFailure(s.t, "refused", answer, text, status, status, message)
	if !answer.Close {
		s.t.Error("the connection goes on")
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 { // an error is the end, too
		s.t.Errorf("after that: %q", rest)
	}
}

func TestRefusalsByteByByteAreTheSame(t *testing.T) {
	s := start(t, Options{})
	for _, c := range refusals {
		if len(c.text) > 1000 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := s.of(t)
			conn, in := s.dial()
			for i := range len(c.text) {
				if _, err := conn.Write([]byte{c.text[i]}); err != nil {
					break // it was refused before its end
				}
			}
			s.refusedAfter(in, c.before, c.status, c.message)
		})
	}
}

func TestCleanRequestsInOnePacketAreAllAnswered(t *testing.T) {
	s := start(t, Options{})
	for _, text := range []string{
		hello + hello + hello,
		"GET http://localhost/ HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n" + hello + hello,
		posting + "Content-Length: 0\r\n\r\n" + posting + "Content-Length: 5\r\n\r\nGET /" + hello,
		posting + "Transfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\n\r\n" + posting + "Content-Length: 2\r\n\r\n\r\n" + hello,
		posting + "transfer-encoding: Chunked\r\n\r\n009\r\nX: a\n\nb\r\r\r\n0\r\nTrailer: x\r\n\r\n" + hello + hello,
	} {
		conn, in := s.dial()
		s.write(conn, "%s", text)
		for range 3 {
			if answer, body := s.answered(in); answer.StatusCode != 200 {
				t.Errorf("%q: %d %s", text, answer.StatusCode, body)
			}
		}
		conn.Close()
	}
}

func TestAHeaderThatDoesNotCome(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 200 * time.Millisecond})
	conn, in := s.dial()
	s.write(conn, "GET / HTTP/1.1\r\nHost: loc")
	answer, text := s.answered(in)
	wantFailure(t, "slow", answer, text, 408, 408, "header did not come")
	_, silent := s.dial()
	if _, err := silent.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("one that says nothing: %v", err)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	s := start(t, Options{})
	conn, in := s.dial()
	s.write(conn, "nonsense\r\n\r\n")
	s.answered(in)
	if now := s.door.Stats(); len(now.Routes) != 1 || now.Routes[0].Classes != [6]int64{4: 1} {
		t.Errorf("%+v", now)
	}
}

// Found by a test of packed lines: what is left of a stream that is not wanted is no request.
func TestTheRestOfAStreamIsNoRequest(t *testing.T) {
	s := start(t, Options{MaxBody: 10})
	for _, pause := range []bool{false, true} {
		conn, in := s.dial()
		s.write(conn, posting+"Content-Type: "+ndjsonType+"\r\nContent-Length: 100000\r\n\r\n")
		s.write(conn, "%s", strings.Repeat("x", 70_000))
		if pause { // it is refused before the rest has come
			answer, text := s.answered(in)
			wantFailure(t, "a long line", answer, text, 413, 413, "10 bytes")
		}
		_, _ = fmt.Fprint(conn, strings.Repeat(hello, 10)) // it may be cut before that
		if !pause {
			answer, text := s.answered(in)
			wantFailure(t, "a long line", answer, text, 413, 413, "10 bytes")
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("after that: %q", rest)
		}
	}
}

// The same where the answer has begun: its header cannot say any more that the connection ends.
func TestTheRestOfAStreamThatWasAnsweredIsNoRequest(t *testing.T) {
	s := start(t, Options{MaxBody: 1000})
	conn, in := s.dial()
	s.write(conn, posting+"Content-Type: "+ndjsonType+"\r\nContent-Length: 200000\r\n\r\n{\"value\":1}\n")
	if first, err := in.ReadString('}'); err != nil || !strings.Contains(first, `"line":1,`) {
		t.Fatal(first, err)
	}
	s.write(conn, "%s", strings.Repeat("x", 70_000))
	if last, err := in.ReadString('}'); err != nil || !strings.Contains(last, `"error_code":413`) {
		t.Fatal(last, err)
	}
	_, _ = fmt.Fprint(conn, strings.Repeat(hello, 10)) // it may be cut before that
	if rest, _ := io.ReadAll(in); strings.Contains(string(rest), "HTTP/1.1") {
		t.Errorf("after that: %q", rest)
	}
}
