package resp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kinds of pattern that no reply has: they stand for several.
const (
	matchAny       = '?' // any one reply
	matchRest      = '.' // any number of elements
	matchRegexp    = '/'
	matchNullArray = '0'
)

// pattern is an expected reply. Nulls, maps, pushes and texts stand for their form in the protocol
// of the run.
type pattern struct {
	kind   byte
	text   string
	items  []pattern
	regexp *regexp.Regexp
}

// match tells whether v is what p expects in RESP2 or RESP3; captures of regular expressions are
// put into vars.
func (p pattern) match(v value, proto int, vars map[string]string) bool {
	resp3 := proto == 3
	switch p.kind {
	case matchAny:
		return true
	case matchRegexp:
		return p.matchText(v.String(), vars)
	case kindNull:
		return null(v, kindBulk, resp3)
	case matchNullArray:
		return null(v, kindArray, resp3)
	case kindArray:
		return p.matchItems(v, kindArray, proto, vars)
	case kindPush:
		return p.matchItems(v, choose(resp3, kindPush, kindArray), proto, vars)
	case kindSet:
		return p.matchItems(v, choose(resp3, kindSet, kindArray), proto, vars)
	case kindMap:
		return p.matchPairs(v, choose(resp3, kindMap, kindArray), proto, vars)
	case kindVerbatim:
		return v.kind == choose(resp3, kindVerbatim, kindBulk) && !v.null &&
			strings.TrimPrefix(v.text, "txt:") == p.text
	}
	return v.kind == p.kind && !v.null && v.text == p.text
}

func choose(third bool, resp3, resp2 byte) byte {
	if third {
		return resp3
	}
	return resp2
}

func null(v value, kind byte, resp3 bool) bool {
	if resp3 {
		return v.kind == kindNull && v.text == ""
	}
	return v.kind == kind && v.null
}

func (p pattern) matchText(text string, vars map[string]string) bool {
	groups := p.regexp.FindStringSubmatch(text)
	if groups == nil {
		return false
	}
	for i, name := range p.regexp.SubexpNames() {
		if name != "" {
			vars[name] = groups[i]
		}
	}
	return true
}

// matchItems compares element by element; `...` in the pattern stands for any number of them.
func (p pattern) matchItems(v value, kind byte, proto int, vars map[string]string) bool {
	return v.kind == kind && !v.null && matchSequence(p.items, v.items, proto, vars)
}

func matchSequence(want []pattern, got []value, proto int, vars map[string]string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0].kind != matchRest {
		return len(got) > 0 && want[0].match(got[0], proto, vars) &&
			matchSequence(want[1:], got[1:], proto, vars)
	}
	for skipped := range len(got) + 1 {
		if matchSequence(want[1:], got[skipped:], proto, vars) {
			return true
		}
	}
	return false
}

// matchPairs finds every expected pair, in any order; without `...` there must be no other.
func (p pattern) matchPairs(v value, kind byte, proto int, vars map[string]string) bool {
	if v.kind != kind || v.null || len(v.items)%2 != 0 {
		return false
	}
	want, open := p.items, false
	if n := len(want); n > 0 && want[n-1].kind == matchRest {
		want, open = want[:n-1], true
	}
	if len(want) > len(v.items) || !open && len(want) != len(v.items) {
		return false
	}
	for pair := range slices.Chunk(want, 2) {
		if !hasPair(v.items, pair, proto, vars) {
			return false
		}
	}
	return true
}

func hasPair(items []value, pair []pattern, proto int, vars map[string]string) bool {
	for got := range slices.Chunk(items, 2) {
		if pair[0].match(got[0], proto, vars) && pair[1].match(got[1], proto, vars) {
			return true
		}
	}
	return false
}

// check reports a mismatch in words for a test's log.
func (p pattern) check(source string, v value, proto int, vars map[string]string) error {
	if p.match(v, proto, vars) {
		return nil
	}
	return fmt.Errorf("RESP%d\n  want %s\n   got %s   (type %q)", proto, source, v, v.kind)
}
