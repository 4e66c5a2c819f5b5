package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// scanner walks through a JSON text (RFC 8259) without building anything: keys and values of records go on
// as the bytes they are.
type scanner struct {
	text  []byte
	at    int
	depth int
}

// maxDepth bounds nesting, and with it the stack.
const maxDepth = 1000

// syntaxError is what is wrong with the text, and where.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("invalid JSON at byte %d: %s", e.at, e.what) }

func (s *scanner) wrong(what string) error { return &syntaxError{s.at, what} }

// peek is the next character that is not white space, 0 at the end.
func (s *scanner) peek() byte {
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

// enter takes the opening bracket; more tells whether a first element follows.
func (s *scanner) enter(open byte) (more bool, err error) {
	if s.peek() != open {
		return false, s.wrong("expected " + string(open))
	}
	if s.depth++; s.depth > maxDepth {
		return false, s.wrong("nested too deeply")
	}
	s.at++
	if s.peek() == open+2 { // in ASCII, ] and } come two after [ and {
		s.at++
		s.depth--
		return false, nil
	}
	return true, nil
}

// next takes what follows an element: a comma, or the closing bracket.
func (s *scanner) next(open byte) (more bool, err error) {
	switch s.peek() {
	case ',':
		s.at++
		return true, nil
	case open + 2:
		s.at++
		s.depth--
		return false, nil
	}
	return false, s.wrong("expected , or " + string(open+2))
}

// name takes the name of a member, and the colon.
func (s *scanner) name() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.wrong("expected the name of a member")
	}
	raw, err := s.str()
	if err != nil {
		return nil, err
	}
	if s.peek() != ':' {
		return nil, s.wrong("expected :")
	}
	s.at++
	return unquote(raw), nil
}

// end makes sure that nothing follows.
func (s *scanner) end() error {
	if s.peek() != 0 || s.at < len(s.text) {
		return s.wrong("expected nothing more")
	}
	return nil
}

// value takes any value, and returns its text.
func (s *scanner) value() ([]byte, error) {
	first := s.peek()
	from := s.at
	var err error
	switch {
	case first == '{':
		err = s.members()
	case first == '[':
		err = s.elements()
	case first == '"':
		_, err = s.str()
	case first == '-' || '0' <= first && first <= '9':
		err = s.number()
	default:
		err = s.literal()
	}
	if err != nil {
		return nil, err
	}
	return s.text[from:s.at:s.at], nil
}

func (s *scanner) members() error {
	more, err := s.enter('{')
	for more && err == nil {
		if _, err = s.name(); err != nil {
			break
		}
		if _, err = s.value(); err != nil {
			break
		}
		more, err = s.next('{')
	}
	return err
}

func (s *scanner) elements() error {
	more, err := s.enter('[')
	for more && err == nil {
		if _, err = s.value(); err != nil {
			break
		}
		more, err = s.next('[')
	}
	return err
}

// str takes a string, with its quotes.
func (s *scanner) str() ([]byte, error) {
	from := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[from:s.at:s.at], nil
		case c < ' ':
			return nil, s.wrong("control character in a string")
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.wrong("string without end")
}

// escape takes an escape sequence but for its last character.
func (s *scanner) escape() error {
	s.at++
	if s.at == len(s.text) {
		return s.wrong("string without end")
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if s.at++; s.at == len(s.text) || !isHex(s.text[s.at]) {
				return s.wrong("expected four hexadecimal digits")
			}
		}
		return nil
	}
	return s.wrong("unknown escape sequence")
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) number() error {
	if s.text[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] == '0' {
		s.at++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() error {
	from := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	if s.at == from {
		return s.wrong("expected a digit")
	}
	return nil
}

func (s *scanner) literal() error {
	for _, word := range [...]string{"null", "true", "false"} {
		if end := s.at + len(word); end <= len(s.text) && string(s.text[s.at:end]) == word {
			s.at = end
			return nil
		}
	}
	return s.wrong("expected a value")
}

// unquote is what a string that was taken says.
func unquote(raw []byte) []byte {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var text string
	_ = json.Unmarshal(raw, &text) // it is a string: that was checked
	return []byte(text)
}

func isNull(raw []byte) bool { return len(raw) == 4 && raw[0] == 'n' }
