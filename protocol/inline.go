package protocol

import "bytes"

// inline reads a command typed by a person: one line, words separated by spaces. True means that the
// line was used up; r.args is empty when it was blank.
func (r *Reader) inline() (bool, error) {
	r.args = r.args[:0]
	rest := r.buf[r.pos:r.end]
	longest := max(r.limits.Inline, 0) + len("\r\n")
	limit := min(len(rest), longest)
	known := min(r.scanned, limit)
	i := bytes.IndexByte(rest[known:limit], '\n')
	switch {
	case i < 0 && limit == longest:
		return false, errBigInline
	case i < 0:
		r.scanned = limit
		return false, nil
	}
	line := rest[:known+i]
	r.pos += len(line) + 1
	r.start, r.scanned = r.pos, 0
	return r.words(bytes.TrimSuffix(line, []byte("\r")))
}

func (r *Reader) words(line []byte) (bool, error) {
	if len(line) > r.limits.Inline {
		return false, errBigInline
	}
	args, ok := splitInline(r.args, line, r.limits.Args)
	r.args = args
	switch {
	case !ok:
		return false, errQuotes
	case len(args) > r.limits.Args:
		return false, errBigInline
	}
	return true, nil
}

// splitInline appends the words of line to args, by the rules of Redis (sds.c, sdssplitargs) except
// that a NUL is a byte like any other. Words lose their quotes in place: they alias line and overwrite it.
// It stops after the first word beyond limit, and reports false when a quote does not end its word.
func splitInline(args [][]byte, line []byte, limit int) ([][]byte, bool) {
	for len(args) <= limit {
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			break
		}
		word, rest, ok := cutWord(line)
		if !ok {
			return args, false
		}
		args, line = append(args, word), rest
	}
	return args, true
}

// cutWord unquotes the first word of line into the beginning of line. A word is never longer than
// what was typed, so writing never overtakes reading.
func cutWord(line []byte) (word, rest []byte, ok bool) {
	word = line[:0]
	for i, c := range line {
		switch c {
		case ' ', '\n', '\r', '\t':
			return word[:len(word):len(word)], line[i:], true
		case '"':
			word, rest, ok = cutDouble(word, line[i+1:])
			return word[:len(word):len(word)], rest, ok
		case '\'':
			word, rest, ok = cutSingle(word, line[i+1:])
			return word[:len(word):len(word)], rest, ok
		}
		word = append(word, c)
	}
	return word[:len(word):len(word)], nil, true
}

// cutDouble unquotes up to the closing ", which must end the word: "a\x41\n".
func cutDouble(word, line []byte) (_, rest []byte, ok bool) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			return word, line[i+1:], endsWord(line[i+1:])
		case c != '\\' || i+1 == len(line):
		case line[i+1] == 'x' && i+3 < len(line) && isHex(line[i+2]) && isHex(line[i+3]):
			c = unhex(line[i+2])<<4 | unhex(line[i+3])
			i += 3
		default:
			i++
			c = unescape(line[i])
		}
		word = append(word, c)
	}
	return word, nil, false
}

// cutSingle unquotes up to the closing ', which must end the word. \' is its only escape.
func cutSingle(word, line []byte) (_, rest []byte, ok bool) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\'':
			return word, line[i+1:], endsWord(line[i+1:])
		case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
			i++
			c = '\''
		}
		word = append(word, c)
	}
	return word, nil, false
}

func endsWord(rest []byte) bool { return len(rest) == 0 || isSpace(rest[0]) }

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// AppendQuoted appends b in double quotes as MONITOR shows it (sds.c, sdscatrepr): printable ASCII
// as it is, the rest escaped. An inline command takes it back unchanged.
func AppendQuoted(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range b {
		switch name := escapeName(c); {
		case name != 0:
			dst = append(dst, '\\', name)
		case c < ' ' || c > '~':
			dst = append(dst, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// escapeName is the letter that stands for c after a backslash, 0 if there is none.
func escapeName(c byte) byte {
	switch c {
	case '\\', '"':
		return c
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\a':
		return 'a'
	case '\b':
		return 'b'
	}
	return 0
}
