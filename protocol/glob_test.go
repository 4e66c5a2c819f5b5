package protocol

import (
	"strings"
	"testing"
)

var globs = []struct {
	pattern, name string
	want          bool
}{
	{"", "", true},
	{"", "a", false},
	{"a", "", false},
	{"*", "", true},
	{"*", "anything", true},
	{"topics:*", "topics:greetings", true},
	{"topics:*", "topic:greetings", false},
	{"topics:", "topics:greetings", false},
	{"*s", "topics", true},
	{"a*b*c", "aXbYc", true},
	{"a*b*c", "acb", false},
	{"*ab", "aab", true},
	{"**a**", "a", true},
	{"?", "", false},
	{"?", "a", true},
	{"h?llo", "hello", true},
	{"h[ae]llo", "hallo", true},
	{"h[ae]llo", "hillo", false},
	{"h[^e]llo", "hallo", true},
	{"h[^e]llo", "hello", false},
	{"h[a-c]llo", "hbllo", true},
	{"h[c-a]llo", "hbllo", true},
	{"[\\]]", "]", true},
	{"[\\-]", "-", true},
	{"[a-]", "]", true},
	{"[a-]", "a", true},
	{"[]", "a", false},
	{"[^]", "a", true},
	{"[", "[", false},
	{"[", "", false},
	{"[a", "a", true},
	{"[^", "a", true},
	{"[a\\", "\\", true},
	{"\\*", "*", true},
	{"\\*", "a", false},
	{"\\", "\\", true},
	{"a\\", "a\\", true},
	{"A", "a", false},
	{"\xff*", "\xff\x00", true},
}

// Redis 7.0.15 gives the same answers.
func TestMatch(t *testing.T) {
	for _, c := range globs {
		if got := Match([]byte(c.pattern), []byte(c.name)); got != c.want {
			t.Errorf("%q with %q: %v", c.pattern, c.name, got)
		}
		if got := referenceMatch(c.pattern, c.name); got != c.want {
			t.Errorf("the reference: %q with %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestMatchIsBounded(t *testing.T) {
	name := strings.Repeat("a", 249)
	for _, pattern := range []string{
		strings.Repeat("*a", 500) + "b", strings.Repeat("a*", 500) + "b", strings.Repeat("*", 1000) + "b",
		"*" + strings.Repeat("a", 200) + "b", "*" + strings.Repeat("[a-z]", 200) + "b",
	} {
		g := glob{pattern: []byte(pattern), name: []byte(name)}
		if g.match() {
			t.Errorf("%q fits", pattern)
		}
		if most := (len(pattern) + 1) * (len(name) + 1); g.steps > most {
			t.Errorf("%q: %d steps", pattern, g.steps)
		}
	}
	if Match([]byte(strings.Repeat("*", maxPattern+1)), nil) || !Match([]byte(strings.Repeat("*", maxPattern)), nil) {
		t.Error("patterns must end at their limit")
	}
}
