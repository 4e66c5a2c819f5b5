package resp

import (
	"errors"
	"strconv"
	"strings"
)

// splitArgs takes a command line apart as redis-cli does: blanks separate, "double quotes" know
// \n \r \t \a \b \\ \" and \xHH, 'single quotes' only \'.
func splitArgs(line string) ([]string, error) {
	var args []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return args, nil
		}
		arg, rest, err := firstArg(line)
		if err != nil {
			return nil, err
		}
		if rest != "" && !strings.ContainsRune(" \t", rune(rest[0])) {
			return nil, errors.New("a closing quote must end the argument: " + line)
		}
		args, line = append(args, arg), rest
	}
}

func firstArg(line string) (arg, rest string, err error) {
	switch line[0] {
	case '"':
		return unquote(line)
	case '\'':
		return unquoteSingle(line)
	}
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	return line[:end], line[end:], nil
}

// unquote reads the "quoted string" that s begins with.
func unquote(s string) (text, rest string, err error) {
	var b strings.Builder
	if s == "" || s[0] != '"' {
		return "", s, errors.New("a quote is missing: " + s)
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+3 < len(s) && s[i+1] == 'x':
			n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return "", s, err
			}
			b.WriteByte(byte(n))
			i += 3
		case i+1 < len(s):
			i++
			b.WriteByte(unescape(s[i]))
		}
	}
	return "", s, errors.New("a closing quote is missing: " + s)
}

func unescape(c byte) byte {
	escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'b': '\b'}
	if e, ok := escapes[c]; ok {
		return e
	}
	return c
}

func unquoteSingle(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '\'' {
			return b.String(), s[i+1:], nil
		}
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'' {
			i++
		}
		b.WriteByte(s[i])
	}
	return "", s, errors.New("a closing quote is missing: " + s)
}
