package rest

import (
	"bytes"
	"net/http"
	"strconv"
)

// The bounds of a request's framing that nobody needs to change.
const (
	maxFields    = 100 // lines of a header, and of a trailer
	maxChunkLine = 256 // the size of a chunk, with extensions: nobody uses those
)

// framing follows where requests begin and end on a connection of HTTP/1, more strictly than net/http,
// which takes some texts that another server in front of sluice may take for something else: RFC 9112, 11.2
// (request smuggling). It looks at lines only, so that a body costs nothing.
type framing struct {
	requests  int // that have begun
	next      part
	left      int64  // bytes of a body or a chunk before that
	begun     []byte // of a line whose end has not come yet
	fields    int
	size      int   // bytes of a header or trailer
	length    int64 // Content-Length, -1 without one
	chunked   bool
	old       bool   // HTTP/1.0
	authority string // of a target like http://authority/path
	fault     *failure
}

// part is what a line may be.
type part int

const (
	requestLine part = iota
	fieldLine
	chunkLine
	chunkEnd
	trailerLine
	unchecked // no lines any more: HTTP/2
)

var parts = [...]func(*framing, []byte) *failure{
	requestLine: (*framing).request, fieldLine: (*framing).field, chunkLine: (*framing).chunk,
	chunkEnd: (*framing).endOfChunk, trailerLine: (*framing).trailer,
}

// read follows the bytes that came next. It returns how many of them are in order: fewer than all when there
// is a fault.
func (f *framing) read(p []byte) int {
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

// inBody tells whether the end of a body has not come yet.
func (f *framing) inBody() bool {
	return f.left > 0 || f.next == chunkLine || f.next == chunkEnd || f.next == trailerLine
}

// keep notes the beginning of a line.
func (f *framing) keep(p []byte, at int) int {
	f.begun = append(f.begun, p[at:]...)
	if len(f.begun) > 2*headerBytes { // net/http does not read on for so long
		f.fault = tooManyFields()
		return at
	}
	return len(p)
}

// line takes a line with its end.
func (f *framing) line(line []byte) *failure {
	text, whole := bytes.CutSuffix(line, []byte("\r\n"))
	if !whole || bytes.IndexByte(text, '\r') >= 0 {
		return malformed("a line does not end with CR LF, or has another CR or LF in it")
	}
	return parts[f.next](f, text)
}

func (f *framing) request(line []byte) *failure {
	if len(line) == 0 { // some clients end a body with an empty line; whether that will do net/http says
		return nil
	}
	if string(line) == "PRI * HTTP/2.0" {
		f.next = unchecked
		return nil
	}
	*f = framing{requests: f.requests + 1, next: fieldLine, size: len(line), length: -1, old: !bytes.HasSuffix(line, []byte(" HTTP/1.1"))}
	_, target, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(target, []byte("/")) {
		f.authority = authorityOf(target)
	}
	return nil
}

// authorityOf is the host and port of an absolute target, empty for others.
func authorityOf(target []byte) string {
	_, rest, absolute := bytes.Cut(target, []byte("://"))
	end := bytes.IndexAny(rest, "/?# ")
	if !absolute || end < 0 {
		return ""
	}
	return string(rest[:end])
}

func (f *framing) field(line []byte) *failure {
	if len(line) == 0 {
		f.endOfHeader()
		return nil
	}
	if failure := f.another(line); failure != nil {
		return failure
	}
	if c := line[0] | 0x20; c != 'c' && c != 't' && c != 'h' { // most fields are about something else
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

// is compares a field's name with one that is in lower case.
func is(name []byte, known string) bool {
	return len(name) == len(known) && bytes.EqualFold(name, []byte(known))
}

// another counts a line of a header or trailer. net/http would take some more bytes than it was told.
func (f *framing) another(line []byte) *failure {
	if line[0] == ' ' || line[0] == '\t' {
		return malformed("a field goes on in another line")
	}
	f.fields++
	f.size += len(line) + len("\r\n")
	if f.fields > maxFields || f.size > headerBytes {
		return tooManyFields()
	}
	return nil
}

func (f *framing) contentLength(value []byte) *failure {
	n, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil || f.length >= 0 || f.chunked {
		return malformed("Content-Length is not one whole number, or is not alone")
	}
	f.length = int64(n) //nolint:gosec // of 63 bits
	return nil
}

// transferEncoding leaves it to net/http which one it is: that takes chunked only.
func (f *framing) transferEncoding() *failure {
	if f.length >= 0 || f.old {
		return malformed("Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0")
	}
	f.chunked = true
	return nil
}

func (f *framing) endOfHeader() {
	f.next, f.left, f.fields, f.size, f.begun = requestLine, max(0, f.length), 0, 0, nil // an idle connection holds no buffer
	if f.chunked {
		f.next = chunkLine
	}
}

func (f *framing) chunk(line []byte) *failure {
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

func (f *framing) endOfChunk(line []byte) *failure {
	f.next = chunkLine
	if len(line) > 0 {
		return malformed("a chunk is longer than its size")
	}
	return nil
}

func (f *framing) trailer(line []byte) *failure {
	if len(line) == 0 {
		f.next = requestLine
		return nil
	}
	return f.another(line)
}

func malformed(why string) *failure {
	return plain(http.StatusBadRequest, "HTTP 400 Bad Request: %s", why)
}

func tooManyFields() *failure {
	return plain(http.StatusRequestHeaderFieldsTooLarge,
		"HTTP 431 Request Header Fields Too Large: the header has more than %d bytes or %d fields", headerBytes, maxFields)
}
