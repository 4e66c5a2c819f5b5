package protocol

import (
	"bytes"
	"fmt"
)

// maxHeader bounds the digits of "*3" and "$5": the longest int64 has 20.
const maxHeader = 64

// Redis' own ceilings. A number above them is nonsense, whether or not the client has authenticated. A number that is
// only above the limits before AUTH asks the client to authenticate first.
const (
	maxCount = 1<<31 - 1
	maxBulk  = 512 << 20
)

// mostDropped bounds what a client may send of a command that is too large, and still have an answer. A connection that
// closed before the client has sent everything would be reset, and the answer be lost.
const mostDropped = 64 << 20

// Reader finds commands in the bytes of one connection. It is pull-style: put bytes where Space
// says, tell Filled how many, and take commands from Next until there are none.
//
//	n, err := conn.Read(r.Space())
//	r.Filled(n)
//	for args, err := r.Next(); args != nil; args, err = r.Next() { ... }
//
// It keeps its place inside an unfinished command: a command that comes byte by byte costs no more than one that comes
// whole. One goroutine may use it.
type Reader struct {
	limits Limits
	window

	left    int      // arguments of the current array still to come; 0 between commands
	bulk    int      // length of the argument at pos when its header was read, else -1
	size    int      // bytes of the current command's arguments announced so far
	gap     int      // where the current command continues without what is dropped, from its start; -1: nothing is
	beyond  TooLarge // why something is dropped
	scanned int      // bytes of the current inline line known to hold no line end
	spans   []span   // arguments read so far
	args    [][]byte // what Next gives out, reused
	err     error    // a SyntaxError is final
}

// span is an argument as offsets from the start of its command: the buffer may move underneath it.
type span struct{ from, to int }

// NewReader returns a Reader that holds no buffer yet.
func NewReader(l Limits) *Reader { return &Reader{limits: l, bulk: -1, gap: -1} }

// SetLimits replaces the limits, from the next header or inline line on.
func (r *Reader) SetLimits(l Limits) { r.limits = l }

// Next returns the next command: its name and arguments, at least one. They alias the buffer and are
// valid until the next call of Space, Next or Release. Without a whole command it returns nil, nil:
// more input is needed. The error is a SyntaxError and comes again on every further call.
//
// Empty lines, "*0" and "*-1" are skipped, as Redis does. A line must end in CRLF, and so must an argument; Redis skips
// any two bytes there. So a client whose lengths are wrong gets an error, and its data is not taken for commands.
func (r *Reader) Next() ([][]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	whole, err := r.advance()
	if err != nil {
		r.err = err
		return nil, err
	}
	if !whole {
		r.starved = true
		return nil, nil
	}
	return r.args, nil
}

// MidCommand reports whether the buffer holds a part of a command after Next has returned nil. The client has to send the
// rest.
func (r *Reader) MidCommand() bool { return r.starved && r.Buffered() > 0 }

// TooLarge says why the command that Next returned last is not whole, or nil. Its arguments are empty from the one on that
// was too large.
func (r *Reader) TooLarge() *TooLarge {
	if r.gap < 0 {
		return nil
	}
	return &r.beyond
}

// Release gives the buffer back when it is empty, so that an idle connection holds none. A buffer with bytes in it stays.
func (r *Reader) Release() {
	if r.Buffered() > 0 {
		return
	}
	clear(r.args) // they would keep the buffer alive
	if cap(r.args) > keepArgs {
		r.args, r.spans = nil, nil
	}
	r.drop()
}

// keepArgs is the number of arguments for which an idle Reader keeps room.
const keepArgs = 16

// advance parses on until r.args is a whole command (true) or the input is used up (false).
func (r *Reader) advance() (bool, error) {
	if r.left == 0 {
		r.gap = -1
	}
	for r.left == 0 {
		if r.pos == r.end {
			return false, nil
		}
		if r.buf[r.pos] != '*' {
			if ok, err := r.inline(); !ok || len(r.args) > 0 {
				return ok, err
			}
			continue
		}
		if ok, err := r.array(); !ok {
			return false, err
		}
	}
	for r.left > 0 {
		if ok, err := r.argument(); !ok {
			return false, err
		}
	}
	r.cut()
	return true, nil
}

// array reads the header of a command, "*3\r\n".
func (r *Reader) array() (bool, error) {
	n, ok, err := r.header(errBigCount, errCount)
	if !ok {
		return false, err
	}
	switch {
	case n <= 0: // nothing, or a null array: no command
		r.start = r.pos
		return true, nil
	case n <= int64(r.limits.Args):
		r.left, r.size, r.spans = int(n), 0, r.spans[:0]
		return true, nil
	case r.limits.PreAuth && n <= maxCount:
		return false, errPreAuthCount
	}
	return false, errCount
}

// argument reads one "$5\r\nhello\r\n", or as much of it as is there.
func (r *Reader) argument() (bool, error) {
	if r.bulk < 0 {
		if ok, err := r.length(); !ok {
			return false, err
		}
	}
	if r.gap >= 0 {
		return r.dropArgument()
	}
	to := r.pos + r.bulk
	if r.end < to+2 {
		return false, nil
	}
	if r.buf[to] != '\r' || r.buf[to+1] != '\n' {
		return false, errLength
	}
	r.spans = append(r.spans, span{r.pos - r.start, to - r.start})
	r.pos, r.bulk = to+2, -1
	r.left--
	return true, nil
}

// dropArgument goes past an argument, or as much of it as is there. closeGap frees its place.
func (r *Reader) dropArgument() (bool, error) {
	n := min(r.bulk, r.end-r.pos)
	r.pos, r.bulk = r.pos+n, r.bulk-n
	if r.bulk > 0 || r.end < r.pos+2 {
		return false, nil
	}
	if r.buf[r.pos] != '\r' || r.buf[r.pos+1] != '\n' {
		return false, errLength
	}
	r.spans = append(r.spans, span{r.gap, r.gap})
	r.pos, r.bulk = r.pos+2, -1
	r.left--
	return true, nil
}

// closeGap frees the place of what was dropped of the current command.
func (r *Reader) closeGap() {
	if r.gap < 0 || r.left == 0 {
		return
	}
	from := r.start + r.gap
	r.end = from + copy(r.buf[from:], r.buf[r.pos:r.end])
	r.pos, r.full = from, false
}

// length reads the header of an argument, "$5\r\n".
func (r *Reader) length() (bool, error) {
	if r.pos == r.end {
		return false, nil
	}
	if c := r.buf[r.pos]; c != '$' {
		return false, expected(c)
	}
	n, ok, err := r.header(errBigLength, errLength)
	if !ok {
		return false, err
	}
	if n < 0 || n > maxBulk {
		return false, errLength
	}
	r.bulk = int(n)
	r.size += r.bulk
	if err := r.bound(); err != nil {
		return false, err
	}
	return true, nil
}

// bound compares the argument whose length was read, and the command so far, with the limits. From one that is too large
// on, the arguments are dropped.
func (r *Reader) bound() error {
	l := &r.limits
	switch {
	case r.bulk > l.Bulk && l.PreAuth:
		return errPreAuthBulk
	case r.bulk > max(l.Bulk, mostDropped):
		return errLength
	case r.size > l.Command && (l.PreAuth || r.size > mostDropped):
		return errBigCommand
	case r.gap >= 0:
	case r.bulk > l.Bulk:
		r.gap, r.beyond = r.pos-r.start, TooLarge{Bytes: r.bulk, Limit: l.Bulk}
	case r.size > l.Command:
		r.gap, r.beyond = r.pos-r.start, TooLarge{Bytes: r.size, Limit: l.Command, Whole: true}
	}
	if r.gap >= 0 && r.beyond.Whole {
		r.beyond.Bytes = r.size
	}
	return nil
}

// header reads the number of the line at pos and goes past it. The fast path is what every client
// sends; whatever is unusual about the line is left to slowHeader.
func (r *Reader) header(long, invalid SyntaxError) (int64, bool, error) {
	line := r.buf[r.pos+1 : r.end]
	n := int64(0)
	for i, c := range line[:min(len(line), 8)] {
		if d := c - '0'; d <= 9 {
			n = n*10 + int64(d)
			continue
		}
		if c == '\r' && i > 0 && i+1 < len(line) && line[i+1] == '\n' && (line[0] != '0' || i == 1) {
			r.pos += i + 3
			return n, true, nil
		}
		break
	}
	return r.slowHeader(line, long, invalid)
}

func (r *Reader) slowHeader(line []byte, long, invalid SyntaxError) (int64, bool, error) {
	i := bytes.IndexByte(line[:min(len(line), maxHeader)], '\r')
	switch {
	case i < 0 && len(line) >= maxHeader:
		return 0, false, long
	case i < 0 || i+1 == len(line):
		return 0, false, nil
	}
	n, ok := ParseInt(line[:i])
	if !ok || line[i+1] != '\n' {
		return 0, false, invalid
	}
	r.pos += i + 3
	return n, true, nil
}

// cut makes the arguments of the command between start and pos, and starts the next one.
func (r *Reader) cut() {
	command := r.buf[r.start:r.pos]
	r.args = r.args[:0]
	for _, s := range r.spans {
		r.args = append(r.args, command[s.from:s.to:s.to])
	}
	r.start = r.pos
}

// expected names the byte found instead of a '$', readable and without breaking the error's line.
func expected(c byte) SyntaxError {
	switch {
	case c == '\r' || c == '\n': // Redis shows them so
		return "expected '$', got ' '"
	case c < ' ' || c > '~':
		return SyntaxError(fmt.Sprintf(`expected '$', got '\x%02x'`, c))
	}
	return SyntaxError("expected '$', got '" + string(rune(c)) + "'")
}
