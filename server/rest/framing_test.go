package rest_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/httpframe"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// refusals are texts that another server may read differently, or that are not HTTP. before is how many answers they
// get before the refusal.
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
	{"a long header", resttest.Hello[:len(resttest.Hello)-2] + "X: " + strings.Repeat("x", 30<<10) + "\r\n\r\n", 0, 431, "bytes"},
	{"a header that is a little too long", resttest.Hello[:len(resttest.Hello)-2] + "X: " + strings.Repeat("x", httpframe.MaxHeaderBytes) + "\r\n\r\n", 0, 431, "bytes"},
	{"many fields", resttest.Hello[:len(resttest.Hello)-2] + strings.Repeat("X: x\r\n", 100) + "\r\n", 0, 431, "100 fields"},

	{"Content-Length and Transfer-Encoding", resttest.Posting + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + resttest.Hello, 0, 400, "goes neither"},
	{"Transfer-Encoding and Content-Length", resttest.Posting + "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + resttest.Hello, 0, 400, "not alone"},
	{"two lengths", resttest.Posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx" + resttest.Hello, 0, 400, "not alone"},
	{"one length twice", resttest.Posting + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + resttest.Hello, 0, 400, "not alone"},
	{"two lengths in one", resttest.Posting + "Content-Length: 1, 1\r\n\r\nx" + resttest.Hello, 0, 400, "not one whole number"},
	{"a length with a sign", resttest.Posting + "Content-Length: +1\r\n\r\nx" + resttest.Hello, 0, 400, "not one whole number"},
	{"a negative length", resttest.Posting + "Content-Length: -1\r\n\r\nx" + resttest.Hello, 0, 400, "not one whole number"},
	{"a huge length", resttest.Posting + "Content-Length: 99999999999999999999\r\n\r\nx" + resttest.Hello, 0, 400, "not one whole number"},
	{"no length", resttest.Posting + "Content-Length:\r\n\r\nx" + resttest.Hello, 0, 400, "not one whole number"},
	{"gzip, chunked", resttest.Posting + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 501, "Not Implemented"},
	{"identity", resttest.Posting + "Transfer-Encoding: identity\r\n\r\n", 0, 501, "Not Implemented"},
	{"chunked twice", resttest.Posting + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 501, "Not Implemented"},
	{"chunked with a trick", resttest.Posting + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 0, 400, "Bad Request"},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + resttest.Hello, 0, 400, "goes neither"},
	{"a field in two lines", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 0, 400, "another line"},
	{"a length in two lines", resttest.Posting + "Content-Length:\r\n 5\r\n\r\nhello", 0, 400, "not one whole number"},
	{"LF", "GET / HTTP/1.1\nHost: localhost\n\n", 0, 400, "CR LF"},
	{"LF in the header", "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n", 0, 400, "CR LF"},
	{"LF after the header", "GET / HTTP/1.1\r\nHost: localhost\r\n\n", 0, 400, "CR LF"},
	{"CR in a field", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n", 0, 400, "CR LF"},
	{"CR in the target", "GET /\r HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "CR LF"},
	{"NUL", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 0, 400, "Bad Request"},
	{"a space before the colon", resttest.Posting + "Content-Length : 5\r\n\r\nhello", 0, 400, "Bad Request"},
	{"a space before the name", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 0, 400, "another line"},
	{"no colon", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"no name", "GET / HTTP/1.1\r\n: x\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"a method that is none", "G<>T / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, 400, "Bad Request"},

	{"a chunk that is longer than it says", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk without a size", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n;\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk of a size with a sign", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk of a huge size", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a chunk's size with a LF", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a long extension", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 300) + "\r\nx\r\n0\r\n\r\n", 0, 400, "could not be read"},
	{"a trailer with a LF", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: a\n\r\n", 0, 400, "could not be read"},

	{"a bad one after a good one", resttest.Hello + "GET / HTTP/1.1\nHost: localhost\r\n\r\n", 1, 400, "CR LF"},
	{"a bad one after two good ones", resttest.Hello + resttest.Hello + resttest.Posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 2, 400, "not alone"},
	{"a bad one after a body", resttest.Posting + "Content-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 1, 400, "another line"},
	{"a bad one after chunks", resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 1, 400, "CR LF"},
}

func TestWhatIsNoCleanHTTPIsRefusedOnceAndInOurShape(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			s := s.Of(t)
			conn, in := s.Dial()
			s.Write(conn, "%s", c.text)
			s.RefusedAfter(in, c.before, c.status, c.message)
		})
	}
	resttest.Eventually(t, "the end of the connections", func() bool { return s.Door.Stats().Connections == 0 })
}

func TestRefusalsByteByByteAreTheSame(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, c := range refusals {
		if len(c.text) > 1000 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := s.Of(t)
			conn, in := s.Dial()
			for i := range len(c.text) {
				if _, err := conn.Write([]byte{c.text[i]}); err != nil {
					break // it was refused before its end
				}
			}
			s.RefusedAfter(in, c.before, c.status, c.message)
		})
	}
}

func TestCleanRequestsInOnePacketAreAllAnswered(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, text := range []string{
		resttest.Hello + resttest.Hello + resttest.Hello,
		"GET http://localhost/ HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n" + resttest.Hello + resttest.Hello,
		resttest.Posting + "Content-Length: 0\r\n\r\n" + resttest.Posting + "Content-Length: 5\r\n\r\nGET /" + resttest.Hello,
		resttest.Posting + "Transfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\n\r\n" + resttest.Posting + "Content-Length: 2\r\n\r\n\r\n" + resttest.Hello,
		resttest.Posting + "transfer-encoding: Chunked\r\n\r\n009\r\nX: a\n\nb\r\r\r\n0\r\nTrailer: x\r\n\r\n" + resttest.Hello + resttest.Hello,
	} {
		conn, in := s.Dial()
		s.Write(conn, "%s", text)
		for range 3 {
			if answer, body := s.Answered(in); answer.StatusCode != 200 {
				t.Errorf("%q: %d %s", text, answer.StatusCode, body)
			}
		}
		conn.Close()
	}
}

func TestAHeaderThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{HeaderTimeout: 200 * time.Millisecond}})
	conn, in := s.Dial()
	s.Write(conn, "GET / HTTP/1.1\r\nHost: loc")
	answer, text := s.Answered(in)
	resttest.WantFailure(t, "slow", answer, text, 408, 408, "header did not come")
	_, silent := s.Dial()
	if _, err := silent.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("one that says nothing: %v", err)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	conn, in := s.Dial()
	s.Write(conn, "nonsense\r\n\r\n")
	s.Answered(in)
	if now := s.Door.Stats(); len(now.Routes) != 1 || now.Routes[0].Classes != [6]int64{4: 1} {
		t.Errorf("%+v", now)
	}
}

// The unread rest of a stream must not be taken for a request. A test of compressed lines found that.
func TestTheRestOfAStreamIsNoRequest(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 10}})
	for _, pause := range []bool{false, true} {
		conn, in := s.Dial()
		s.Write(conn, resttest.Posting+"Content-Type: "+exchange.NDJSONType+"\r\nContent-Length: 100000\r\n\r\n")
		s.Write(conn, "%s", strings.Repeat("x", 70_000))
		if pause { // it is refused before the rest has come
			answer, text := s.Answered(in)
			resttest.WantFailure(t, "a long line", answer, text, 413, 413, "10 bytes")
		}
		_, _ = fmt.Fprint(conn, strings.Repeat(resttest.Hello, 10)) // it may be cut before that
		if !pause {
			answer, text := s.Answered(in)
			resttest.WantFailure(t, "a long line", answer, text, 413, 413, "10 bytes")
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("after that: %q", rest)
		}
	}
}

// After the answer has begun, its header can no longer say that the connection ends.
func TestTheRestOfAStreamThatWasAnsweredIsNoRequest(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 1000}})
	conn, in := s.Dial()
	s.Write(conn, resttest.Posting+"Content-Type: "+exchange.NDJSONType+"\r\nContent-Length: 200000\r\n\r\n{\"value\":1}\n")
	if first, err := in.ReadString('}'); err != nil || !strings.Contains(first, `"line":1,`) {
		t.Fatal(first, err)
	}
	s.Write(conn, "%s", strings.Repeat("x", 70_000))
	if last, err := in.ReadString('}'); err != nil || !strings.Contains(last, `"error_code":413`) {
		t.Fatal(last, err)
	}
	_, _ = fmt.Fprint(conn, strings.Repeat(resttest.Hello, 10)) // it may be cut before that
	if rest, _ := io.ReadAll(in); strings.Contains(string(rest), "HTTP/1.1") {
		t.Errorf("after that: %q", rest)
	}
}
