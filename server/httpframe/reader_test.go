package httpframe

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	hello   = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	posting = "POST /v1/topics/blobs/records HTTP/1.1\r\nHost: localhost\r\n"
)

// faults are texts that another server may read as something else, and a part of the fault that they have. Where the fault
// is empty net/http refuses the text.
var faults = []struct{ name, text, fault string }{
	{"no HTTP", "*1\r\n$4\r\nPING\r\n\r\n", ""},
	{"a stranger's version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", ""},
	{"an unknown version", "GET / HTTP/x\r\nHost: a\r\n\r\n", ""},
	{"HTTP/2 where it is off", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", ""},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", ""},
	{"a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ""},
	{"another Host than the target's", "GET http://localhost/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "Host is not the one"},
	{"an expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", ""},
	{"a long header", hello[:len(hello)-2] + "X: " + strings.Repeat("x", 30<<10) + "\r\n\r\n", "16384 bytes or 100 fields"},
	{"a header that is a little too long", hello[:len(hello)-2] + "X: " + strings.Repeat("x", MaxHeaderBytes) + "\r\n\r\n", "16384 bytes or 100 fields"},
	{"many fields", hello[:len(hello)-2] + strings.Repeat("X: x\r\n", 100) + "\r\n", "16384 bytes or 100 fields"},
	{"Content-Length and Transfer-Encoding", posting + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hello, "goes neither"},
	{"Transfer-Encoding and Content-Length", posting + "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + hello, "not alone"},
	{"two lengths", posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx" + hello, "not alone"},
	{"one length twice", posting + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + hello, "not alone"},
	{"two lengths in one", posting + "Content-Length: 1, 1\r\n\r\nx" + hello, "not alone"},
	{"a length with a sign", posting + "Content-Length: +1\r\n\r\nx" + hello, "not alone"},
	{"a negative length", posting + "Content-Length: -1\r\n\r\nx" + hello, "not alone"},
	{"a huge length", posting + "Content-Length: 99999999999999999999\r\n\r\nx" + hello, "not alone"},
	{"no length", posting + "Content-Length:\r\n\r\nx" + hello, "not alone"},
	{"gzip, chunked", posting + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ""},
	{"identity", posting + "Transfer-Encoding: identity\r\n\r\n", ""},
	{"chunked twice", posting + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
	{"chunked with a trick", posting + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", ""},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hello, "goes neither"},
	{"a field in two lines", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", "another line"},
	{"a length in two lines", posting + "Content-Length:\r\n 5\r\n\r\nhello", "not alone"},
	{"LF", "GET / HTTP/1.1\nHost: localhost\n\n", "CR LF"},
	{"LF in the header", "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n", "CR LF"},
	{"LF after the header", "GET / HTTP/1.1\r\nHost: localhost\r\n\n", "CR LF"},
	{"CR in a field", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n", "CR LF"},
	{"CR in the target", "GET /\r HTTP/1.1\r\nHost: localhost\r\n\r\n", "CR LF"},
	{"NUL", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", ""},
	{"a space before the colon", posting + "Content-Length : 5\r\n\r\nhello", ""},
	{"a space before the name", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", "another line"},
	{"no colon", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n", ""},
	{"no name", "GET / HTTP/1.1\r\n: x\r\nHost: localhost\r\n\r\n", ""},
	{"a method that is none", "G<>T / HTTP/1.1\r\nHost: localhost\r\n\r\n", ""},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", ""},
	{"a chunk that is longer than it says", posting + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "longer than its size"},
	{"a chunk without a size", posting + "Transfer-Encoding: chunked\r\n\r\n;\r\nx\r\n0\r\n\r\n", "does not begin with its size"},
	{"a chunk of a size with a sign", posting + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", "does not begin with its size"},
	{"a chunk of a huge size", posting + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", "does not begin with its size"},
	{"a chunk's size with a LF", posting + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", "CR LF"},
	{"a long extension", posting + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 300) + "\r\nx\r\n0\r\n\r\n", "does not begin with its size"},
	{"a trailer with a LF", posting + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: a\n\r\n", "CR LF"},
	{"a bad one after a good one", hello + "GET / HTTP/1.1\nHost: localhost\r\n\r\n", "CR LF"},
	{"a bad one after two good ones", hello + hello + posting + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "not alone"},
	{"a bad one after a body", posting + "Content-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", "another line"},
	{"a bad one after chunks", posting + "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "CR LF"},
}

func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range faults {
		var f Reader
		good := f.Read([]byte(c.text))
		switch found := f.Fault(); {
		case c.fault == "" && (found != nil || good != len(c.text)):
			t.Errorf("%s: %+v after %d bytes", c.name, found, good)
		case c.fault != "" && (found == nil || !strings.Contains(found.Message, c.fault) || good >= len(c.text)):
			t.Errorf("%s: %+v after %d bytes, want %q", c.name, found, good, c.fault)
		}
	}
}

// FuzzFraming compares with net/http: what both take is the same requests.
func FuzzFraming(f *testing.F) {
	for _, c := range faults {
		f.Add([]byte(c.text), byte(7))
	}
	f.Add([]byte(hello+posting+"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"+hello), byte(1))
	f.Fuzz(func(t *testing.T, text []byte, step byte) {
		var whole Reader
		good := whole.Read(text)
		pieces, at := Reader{}, 0
		for at < len(text) && pieces.fault == nil {
			p := text[at:min(len(text), at+int(step)%64+1)]
			at += pieces.Read(p)
		}
		if pieces.fault == nil != (whole.fault == nil) || pieces.fault == nil && at != good {
			t.Fatalf("in pieces %d %v, at once %d %v", at, pieces.fault, good, whole.fault)
		}
		if whole.fault != nil || whole.next == unchecked || whole.next != requestLine || whole.left > 0 || len(whole.begun) > 0 {
			return
		}
		sameRequests(t, text)
	})
}

// sameRequests reads on with net/http where a Reader sees whole requests: what it does not refuse, it must
// read to the very end.
func sameRequests(t *testing.T, text []byte) {
	in := bufio.NewReader(strings.NewReader(string(text)))
	for {
		if peek, _ := in.Peek(2); len(peek) == 0 || string(peek) == "\r\n" {
			return
		}
		r, err := http.ReadRequest(in)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				t.Fatalf("net/http waits for more of %q", text)
			}
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("net/http waits for more of the body of %q", text)
			}
			return
		}
	}
}

// produced is what a client of REST v2 sends for a record.
const produced = "POST /topics/orders HTTP/1.1\r\nHost: localhost:8082\r\nUser-Agent: python-requests/2.32.3\r\n" +
	"Accept-Encoding: gzip, deflate\r\nAccept: application/vnd.kafka.v2+json\r\nConnection: keep-alive\r\n" +
	"Content-Type: application/vnd.kafka.json.v2+json\r\nContent-Length: 25\r\n\r\n" + `{"records":[{"value":1}]}`

func TestFollowingARequestAllocatesNothing(t *testing.T) {
	var f Reader
	text := []byte(produced)
	if n := testing.AllocsPerRun(100, func() { f.Read(text) }); n != 0 || f.fault != nil || f.requests != 101 {
		t.Errorf("%v allocations, %+v", n, f)
	}
}

func BenchmarkReader(b *testing.B) {
	var f Reader
	text := []byte(produced)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		f.Read(text)
	}
}
