// Package jsonscan walks through a JSON text without building values.
//
// Keys and values of records go on to Kafka as the bytes that the client wrote.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner reads a JSON text (RFC 8259) from left to right. The slices that it returns share the text's memory.
type Scanner struct {
	text  []byte
	at    int
	depth int
}

// New returns a Scanner at the beginning of the text.
func New(text []byte) Scanner { return Scanner{text: text} }

// Len returns the length of the whole text in bytes.
func (s *Scanner) Len() int { return len(s.text) }

// Rest returns the text that was not read yet.
func (s *Scanner) Rest() []byte { return s.text[s.at:] }

// maxDepth bounds the nesting. Each level is one more call on the stack.
const maxDepth = 1000

// Wrong returns a syntax error at the current byte.
func (s *Scanner) Wrong(what string) error { return syntaxError(s.at, what) }

// Unexpected reads the next value and returns an error about its shape. If the value is no JSON, the syntax error counts.
func (s *Scanner) Unexpected(format string, values ...any) error {
	if _, err := s.Value(); err != nil {
		return err
	}
	return Mismatch(format, values...)
}

// Peek skips white space and returns the next character without reading it; 0 at the end.
func (s *Scanner) Peek() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// Enter reads an opening bracket. It reports whether an element follows; an empty list or object is read whole.
func (s *Scanner) Enter(open byte) (more bool, err error) {
	if s.Peek() != open {
		return false, s.Wrong("expected " + string(open))
	}
	if s.depth++; s.depth > maxDepth {
		return false, s.Wrong("nested too deeply")
	}
	s.at++
	if s.Peek() == open+2 { // in ASCII, ] and } are two after [ and {
		s.at++
		s.depth--
		return false, nil
	}
	return true, nil
}

// Next reads what follows an element: a comma or the closing bracket. It reports whether another element follows.
func (s *Scanner) Next(open byte) (more bool, err error) {
	switch s.Peek() {
	case ',':
		s.at++
		return true, nil
	case open + 2:
		s.at++
		s.depth--
		return false, nil
	}
	return false, s.Wrong("expected , or " + string(open+2))
}

// Name reads the name of an object's member with the colon behind it.
func (s *Scanner) Name() ([]byte, error) {
	if s.Peek() != '"' {
		return nil, s.Wrong("expected the name of a member")
	}
	raw, err := s.readString()
	if err != nil {
		return nil, err
	}
	if s.Peek() != ':' {
		return nil, s.Wrong("expected :")
	}
	s.at++
	return Unquote(raw), nil
}

// End reports an error if anything but white space follows.
func (s *Scanner) End() error {
	if s.Peek() != 0 || s.at < len(s.text) {
		return s.Wrong("expected nothing more")
	}
	return nil
}

// Value reads any value and returns its text.
func (s *Scanner) Value() ([]byte, error) {
	first := s.Peek()
	from := s.at
	var err error
	switch {
	case first == '{':
		err = s.skipMembers()
	case first == '[':
		err = s.skipElements()
	case first == '"':
		_, err = s.readString()
	case first == '-' || '0' <= first && first <= '9':
		err = s.skipNumber()
	default:
		err = s.skipLiteral()
	}
	if err != nil {
		return nil, err
	}
	return s.text[from:s.at:s.at], nil
}

func (s *Scanner) skipMembers() error {
	more, err := s.Enter('{')
	for more && err == nil {
		if _, err = s.Name(); err != nil {
			break
		}
		if _, err = s.Value(); err != nil {
			break
		}
		more, err = s.Next('{')
	}
	return err
}

func (s *Scanner) skipElements() error {
	more, err := s.Enter('[')
	for more && err == nil {
		if _, err = s.Value(); err != nil {
			break
		}
		more, err = s.Next('[')
	}
	return err
}

// readString returns a string with its quotes.
func (s *Scanner) readString() ([]byte, error) {
	from := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[from:s.at:s.at], nil
		case c < ' ':
			return nil, s.Wrong("control character in a string")
		case c == '\\':
			if err := s.skipEscape(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.Wrong("string without end")
}

// skipEscape reads an escape sequence up to its last character. The caller steps over that one.
func (s *Scanner) skipEscape() error {
	s.at++
	if s.at == len(s.text) {
		return s.Wrong("string without end")
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if s.at++; s.at == len(s.text) || !isHex(s.text[s.at]) {
				return s.Wrong("expected four hexadecimal digits")
			}
		}
		return nil
	}
	return s.Wrong("unknown escape sequence")
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *Scanner) skipNumber() error {
	if s.text[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] == '0' {
		s.at++
	} else if err := s.skipDigits(); err != nil {
		return err
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if err := s.skipDigits(); err != nil {
			return err
		}
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		return s.skipDigits()
	}
	return nil
}

func (s *Scanner) skipDigits() error {
	from := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	if s.at == from {
		return s.Wrong("expected a digit")
	}
	return nil
}

func (s *Scanner) skipLiteral() error {
	for _, word := range [...]string{"null", "true", "false"} {
		if end := s.at + len(word); end <= len(s.text) && string(s.text[s.at:end]) == word {
			s.at = end
			return nil
		}
	}
	return s.Wrong("expected a value")
}

// Unquote returns the content of a string that Value returned.
func Unquote(raw []byte) []byte {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var text string
	_ = json.Unmarshal(raw, &text) // cannot fail: Value has checked the string
	return []byte(text)
}

// Unpaired reports whether a string that Value returned has half of a surrogate pair. Unquote makes it U+FFFD, because it
// is no character.
func Unpaired(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] != 'u' {
			continue
		}
		first := unit(raw[i:])
		i += 4
		if !utf16.IsSurrogate(first) {
			continue
		}
		if raw[i+1] != '\\' || raw[i+2] != 'u' || utf16.DecodeRune(first, unit(raw[i+2:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// unit is the UTF-16 code unit of u0061.
func unit(escape []byte) rune {
	n, _ := strconv.ParseUint(string(escape[1:5]), 16, 16) // Value has checked the string
	return rune(n)
}

// IsNull reports whether the text of a value is null.
func IsNull(raw []byte) bool { return len(raw) == 4 && raw[0] == 'n' }
