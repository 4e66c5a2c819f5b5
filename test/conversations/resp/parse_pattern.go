package resp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// parsePattern reads one expected reply. On its own line, a simple string, an error and a regular
// expression take all of the line; inside [] and {} they are quoted or end at a blank.
func parsePattern(text string) (pattern, error) {
	text = strings.TrimSpace(text)
	if expr, ok := strings.CutPrefix(text, "~ "); ok {
		return regexpPattern(expr)
	}
	if text != "" && (text[0] == kindSimple || text[0] == kindError) && !strings.HasPrefix(text[1:], `"`) {
		return pattern{kind: text[0], text: text[1:]}, nil
	}
	s := &scanner{rest: text}
	p, err := s.pattern()
	if err != nil {
		return p, fmt.Errorf("%s: %w", text, err)
	}
	if s.skipBlanks(); s.rest != "" {
		return p, fmt.Errorf("%s: more after the reply: %s", text, s.rest)
	}
	if p.kind == matchRest {
		return p, errors.New("`...` stands for elements; write `any` for one reply")
	}
	return p, nil
}

func regexpPattern(expr string) (pattern, error) {
	re, err := regexp.Compile("(?s)^(?:" + expr + ")$")
	return pattern{kind: matchRegexp, regexp: re}, err
}

// words that stand for whole replies.
var words = map[string]pattern{
	"null":       {kind: kindNull},
	"null-array": {kind: matchNullArray},
	"any":        {kind: matchAny},
	"...":        {kind: matchRest},
}

// scanner takes a pattern apart from left to right.
type scanner struct{ rest string }

func (s *scanner) skipBlanks() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *scanner) take(prefix string) bool {
	rest, ok := strings.CutPrefix(s.rest, prefix)
	if ok {
		s.rest = rest
	}
	return ok
}

func (s *scanner) pattern() (pattern, error) {
	s.skipBlanks()
	switch {
	case s.rest == "":
		return pattern{}, errors.New("a reply is missing")
	case s.take("push["):
		return s.items(kindPush, "]")
	case s.take("set["):
		return s.items(kindSet, "]")
	case s.take("["):
		return s.items(kindArray, "]")
	case s.take("{"):
		return s.items(kindMap, "}")
	case s.take("~/"):
		expr, rest, ok := strings.Cut(s.rest, "/")
		if !ok {
			return pattern{}, errors.New("~/ without its end")
		}
		s.rest = rest
		return regexpPattern(expr)
	case s.take("text"):
		return s.quoted(kindVerbatim)
	case s.rest[0] == '"':
		return s.quoted(kindBulk)
	}
	return s.word()
}

func (s *scanner) items(kind byte, end string) (pattern, error) {
	p := pattern{kind: kind}
	for {
		s.skipBlanks()
		if s.take(end) {
			break
		}
		item, err := s.pattern()
		if err != nil {
			return p, err
		}
		p.items = append(p.items, item)
	}
	rests := 0
	if n := len(p.items); n > 0 && p.items[n-1].kind == matchRest {
		rests = 1
	}
	if kind == kindMap && (len(p.items)-rests)%2 != 0 {
		return p, errors.New("a key without a value")
	}
	return p, nil
}

func (s *scanner) quoted(kind byte) (pattern, error) {
	text, rest, err := unquote(s.rest)
	s.rest = rest
	return pattern{kind: kind, text: text}, err
}

func (s *scanner) word() (pattern, error) {
	if (s.rest[0] == kindSimple || s.rest[0] == kindError) && strings.HasPrefix(s.rest[1:], `"`) {
		kind := s.rest[0]
		s.rest = s.rest[1:]
		return s.quoted(kind)
	}
	end := strings.IndexAny(s.rest, " \t]}")
	if end < 0 {
		end = len(s.rest)
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	if p, ok := words[word]; ok {
		return p, nil
	}
	first, size := utf8.DecodeRuneInString(word)
	if !strings.ContainsRune("+-:#,", first) {
		return pattern{}, fmt.Errorf("cannot read %q", word)
	}
	return pattern{kind: word[0], text: word[size:]}, nil
}
