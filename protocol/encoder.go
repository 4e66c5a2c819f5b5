package protocol

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tidwall/redcon"
)

// MaxErrorText is how many bytes of an error's text are sent: the text may quote its client.
const MaxErrorText = 1 << 10

// Encoder collects replies until they are sent. Only the Encoder knows how RESP2 and RESP3 differ. The zero value
// encodes RESP2, and holds no buffer until something is appended. One goroutine may use it.
type Encoder struct {
	// Proto is the protocol version, 3 after HELLO 3; anything else means 2.
	Proto int

	buf   []byte
	owner *buffer
}

// replies are the buffers of Encoders, of any capacity up to maxPooled.
var replies = sync.Pool{New: func() any { return &buffer{make([]byte, 0, minBuffer)} }}

// maxReset is the capacity in bytes above which Reset lets a buffer go. It is above maxPooled: a session sends its
// replies when it has collected about that much, and must not need a new buffer every time.
const maxReset = 4 * maxPooled

// room returns the buffer to append to.
func (e *Encoder) room() []byte {
	if e.owner == nil {
		e.owner = replies.Get().(*buffer)
		e.buf = e.owner.bytes
	}
	return e.buf
}

// OK appends +OK.
func (e *Encoder) OK() { e.buf = redcon.AppendOK(e.room()) }

// Simple appends a simple string; CR and LF become spaces.
func (e *Encoder) Simple(s string) { e.buf = redcon.AppendString(e.room(), s) }

// Error appends an error. The text begins with its prefix ("ERR ", "CONS ") and is cut after
// MaxErrorText bytes; CR and LF become spaces.
func (e *Encoder) Error(text string) { e.buf = redcon.AppendError(e.room(), cutText(text)) }

// Int appends an integer.
func (e *Encoder) Int(n int64) { e.buf = redcon.AppendInt(e.room(), n) }

// Bulk appends a string of bytes. A nil slice is an empty string, not a null.
func (e *Encoder) Bulk(b []byte) { e.buf = redcon.AppendBulk(e.room(), b) }

// BulkString appends a string of bytes.
func (e *Encoder) BulkString(s string) { e.buf = redcon.AppendBulkString(e.room(), s) }

// Null appends the null of a single value: $-1, in RESP3 _.
func (e *Encoder) Null() {
	if e.Proto == 3 {
		e.null3()
		return
	}
	e.buf = redcon.AppendNull(e.room())
}

// NullArray appends the null of an array: *-1, in RESP3 _.
func (e *Encoder) NullArray() {
	if e.Proto == 3 {
		e.null3()
		return
	}
	e.buf = redcon.AppendArray(e.room(), -1)
}

func (e *Encoder) null3() { e.buf = append(e.room(), "_\r\n"...) }

// Array begins an array; n replies follow.
func (e *Encoder) Array(n int) { e.buf = redcon.AppendArray(e.room(), n) }

// Map begins a map; n keys follow, each with its value. In RESP2 it is an array of twice as many.
func (e *Encoder) Map(n int) {
	if e.Proto == 3 {
		e.header('%', n)
		return
	}
	e.Array(2 * n)
}

// Set begins a set; n replies follow. In RESP2 it is an array.
func (e *Encoder) Set(n int) {
	if e.Proto == 3 {
		e.header('~', n)
		return
	}
	e.Array(n)
}

// Verbatim appends a text for people, such as INFO. In RESP3 it is marked as plain text.
func (e *Encoder) Verbatim(text string) {
	if e.Proto != 3 {
		e.BulkString(text)
		return
	}
	e.header('=', len("txt:")+len(text))
	e.buf = append(e.buf, "txt:"...)
	e.buf = append(e.buf, text...)
	e.buf = append(e.buf, "\r\n"...)
}

// header appends a RESP3 type with its length, for which redcon has no function.
func (e *Encoder) header(kind byte, n int) {
	b := append(e.room(), kind)
	b = strconv.AppendInt(b, int64(n), 10)
	e.buf = append(b, "\r\n"...)
}

// Raw appends bytes that are RESP already.
func (e *Encoder) Raw(b []byte) { e.buf = append(e.room(), b...) }

// Len is the number of bytes collected.
func (e *Encoder) Len() int { return len(e.buf) }

// Bytes returns what was collected. It is valid until the next call of another method.
func (e *Encoder) Bytes() []byte { return e.buf }

// Reset forgets what was collected and keeps the buffer, unless one large reply has grown it.
func (e *Encoder) Reset() {
	if cap(e.buf) > maxReset {
		e.buf, e.owner = nil, nil
		return
	}
	e.buf = e.buf[:0]
}

// Release forgets what was collected and gives the buffer back.
func (e *Encoder) Release() {
	if e.owner != nil && cap(e.buf) <= maxPooled {
		e.owner.bytes = e.buf[:0]
		replies.Put(e.owner)
	}
	e.buf, e.owner = nil, nil
}

// cutText shortens a text to MaxErrorText bytes, between characters.
func cutText(text string) string {
	if len(text) <= MaxErrorText {
		return text
	}
	end := MaxErrorText - len("...")
	for end > MaxErrorText-8 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "?") + "..."
}
