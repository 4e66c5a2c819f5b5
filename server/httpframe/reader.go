// Package httpframe finds the bounds of requests on a connection of HTTP/1.
//
// It is stricter than net/http, which takes some texts that another server in front of it may read as something else
// (request smuggling: RFC 9112, 11.2).
package httpframe

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// MaxHeaderBytes is how long a header may be.
const MaxHeaderBytes = 16 << 10

const (
	maxFields    = 100 // lines of a header or a trailer
	maxChunkLine = 256 // bytes of a chunk's size with its extensions, which nobody uses
)

// Fault is what is wrong with the framing, as an answer.
type Fault struct {
	Status  int
	Message string
}

// Reader follows the bytes of a connection. Its zero value is at the beginning of a connection. It looks at lines only,
// so that a body costs nothing.
type Reader struct {
	requests  int // begun so far
	next      part
	left      int64  // bytes of a body or a chunk that come before the next line
	begun     []byte // a line whose end has not come yet
	fields    int
	size      int   // bytes of a header or a trailer
	length    int64 // Content-Length, -1 without one
	chunked   bool
	old       bool   // HTTP/1.0
	authority string // of a target like http://authority/path
	fault     *Fault
}

// Requests returns how many requests have begun.
func (f *Reader) Requests() int { return f.requests }

// Fault returns what is wrong with the bytes that came last; nil for nothing. Nothing is read after a fault.
func (f *Reader) Fault() *Fault { return f.fault }

// IsHTTP2 reports whether the connection has changed to HTTP/2. What comes then is not looked at.
func (f *Reader) IsHTTP2() bool { return f.next == unchecked }

// part is the kind of a line.
type part int

const (
	requestLine part = iota
	fieldLine
	chunkLine
	chunkEnd
	trailerLine
	unchecked // HTTP/2 has no lines
)

var parts = [...]func(*Reader, []byte) *Fault{
	requestLine: (*Reader).request, fieldLine: (*Reader).field, chunkLine: (*Reader).chunk,
	chunkEnd: (*Reader).endOfChunk, trailerLine: (*Reader).trailer,
}

// Read follows the bytes that came next. It returns how many of them are in order; fewer than all if there is a fault.
func (f *Reader) Read(p []byte) int {
	for at := 0; at < len(p) && f.next != unchecked; {
		if f.left > 0 {
			skipped := min(f.left, int64(len(p)-at))
			f.left -= skipped
			at += int(skipped)
			continue
		}
		end := bytes.IndexByte(p[at:], '\n')
		if end < 0 {
			return f.keep(p, at)
		}
		line := p[at : at+end+1]
		if len(f.begun) > 0 {
			line = append(f.begun, line...)
			f.begun = line[:0]
		}
		if f.fault = f.line(line); f.fault != nil {
			return at + end
		}
		at += end + 1
	}
	return len(p)
}

// InBody reports whether the end of a body has not come yet.
func (f *Reader) InBody() bool {
	return f.left > 0 || f.next == chunkLine || f.next == chunkEnd || f.next == trailerLine
}

// keep stores the beginning of a line.
func (f *Reader) keep(p []byte, at int) int {
	f.begun = append(f.begun, p[at:]...)
	if len(f.begun) > 2*MaxHeaderBytes { // net/http gives up earlier
		f.fault = TooManyFields()
		return at
	}
	return len(p)
}

// line reads a line that ends with LF.
func (f *Reader) line(line []byte) *Fault {
	text, whole := bytes.CutSuffix(line, []byte("\r\n"))
	if !whole || bytes.IndexByte(text, '\r') >= 0 {
		return malformed("a line does not end with CR LF, or has another CR or LF in it")
	}
	return parts[f.next](f, text)
}

func (f *Reader) request(line []byte) *Fault {
	if len(line) == 0 { // some clients end a body with an empty line; net/http decides about it
		return nil
	}
	if string(line) == "PRI * HTTP/2.0" {
		f.next = unchecked
		return nil
	}
	*f = Reader{requests: f.requests + 1, next: fieldLine, size: len(line), length: -1, old: !bytes.HasSuffix(line, []byte(" HTTP/1.1"))}
	_, target, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(target, []byte("/")) {
		f.authority = authorityOf(target)
	}
	return nil
}

// authorityOf returns the host and port of an absolute target; empty for other targets.
func authorityOf(target []byte) string {
	_, rest, absolute := bytes.Cut(target, []byte("://"))
	end := bytes.IndexAny(rest, "/?# ")
	if !absolute || end < 0 {
		return ""
	}
	return string(rest[:end])
}

func (f *Reader) field(line []byte) *Fault {
	if len(line) == 0 {
		f.endOfHeader()
		return nil
	}
	if fault := f.another(line); fault != nil {
		return fault
	}
	if c := line[0] | 0x20; c != 'c' && c != 't' && c != 'h' { // the three fields that are looked at begin with these letters
		return nil
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case is(name, "content-length"):
		return f.contentLength(bytes.Trim(value, " \t"))
	case is(name, "transfer-encoding"):
		return f.transferEncoding()
	case is(name, "host") && f.authority != "" && !bytes.EqualFold(bytes.Trim(value, " \t"), []byte(f.authority)):
		return malformed("Host is not the one in the request's target")
	}
	return nil
}

// is compares a field's name with one in lower case.
func is(name []byte, known string) bool {
	return len(name) == len(known) && bytes.EqualFold(name, []byte(known))
}

// another counts a line of a header or a trailer. net/http allows somewhat more bytes than it is told.
func (f *Reader) another(line []byte) *Fault {
	if line[0] == ' ' || line[0] == '\t' {
		return malformed("a field goes on in another line")
	}
	f.fields++
	f.size += len(line) + len("\r\n")
	if f.fields > maxFields || f.size > MaxHeaderBytes {
		return TooManyFields()
	}
	return nil
}

func (f *Reader) contentLength(value []byte) *Fault {
	n, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil || f.length >= 0 || f.chunked {
		return malformed("Content-Length is not one whole number, or is not alone")
	}
	f.length = int64(n) //nolint:gosec // of 63 bits
	return nil
}

// transferEncoding does not look at the value: net/http refuses all but chunked.
func (f *Reader) transferEncoding() *Fault {
	if f.length >= 0 || f.old {
		return malformed("Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0")
	}
	f.chunked = true
	return nil
}

func (f *Reader) endOfHeader() {
	f.next, f.left, f.fields, f.size, f.begun = requestLine, max(0, f.length), 0, 0, nil // an idle connection holds no buffer
	if f.chunked {
		f.next = chunkLine
	}
}

func (f *Reader) chunk(line []byte) *Fault {
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 63)
	if err != nil || len(line) > maxChunkLine || size[0] == '+' {
		return malformed("a chunk does not begin with its size")
	}
	f.left, f.next = int64(n), chunkEnd //nolint:gosec // of 63 bits
	if n == 0 {
		f.next = trailerLine
	}
	return nil
}

func (f *Reader) endOfChunk(line []byte) *Fault {
	f.next = chunkLine
	if len(line) > 0 {
		return malformed("a chunk is longer than its size")
	}
	return nil
}

func (f *Reader) trailer(line []byte) *Fault {
	if len(line) == 0 {
		f.next = requestLine
		return nil
	}
	return f.another(line)
}

func malformed(why string) *Fault {
	return &Fault{http.StatusBadRequest, "HTTP 400 Bad Request: " + why}
}

// TooManyFields returns the fault of a header that is too long.
func TooManyFields() *Fault {
	return &Fault{http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf(
		"HTTP 431 Request Header Fields Too Large: the header has more than %d bytes or %d fields", MaxHeaderBytes, maxFields)}
}
