package resp

import (
	"bufio"
	"strings"
	"testing"
)

// Each line of the notation, against bytes it must accept and bytes it must not.
func TestNotation(t *testing.T) {
	cases := []struct {
		pattern string
		resp2   string
		resp3   string
		not     []string // refused in RESP2 and RESP3
	}{
		{`+OK`, "+OK\r\n", "+OK\r\n", []string{"$2\r\nOK\r\n", "+OK \r\n", "-OK\r\n"}},
		{`-ERR a b`, "-ERR a b\r\n", "-ERR a b\r\n", []string{"-ERR a  b\r\n", "+ERR a b\r\n"}},
		{`-"ERR a "`, "-ERR a \r\n", "-ERR a \r\n", []string{"-ERR a\r\n"}},
		{`:1`, ":1\r\n", ":1\r\n", []string{":2\r\n", "$1\r\n1\r\n", "+1\r\n"}},
		{`"a\x00b"`, "$3\r\na\x00b\r\n", "$3\r\na\x00b\r\n", []string{"+a\x00b\r\n", "$1\r\na\r\n"}},
		{`null`, "$-1\r\n", "_\r\n", []string{"*-1\r\n", "$0\r\n\r\n"}},
		{`null-array`, "*-1\r\n", "_\r\n", []string{"$-1\r\n", "*0\r\n"}},
		{`[:1 "a"]`, "*2\r\n:1\r\n$1\r\na\r\n", "*2\r\n:1\r\n$1\r\na\r\n", []string{"*1\r\n:1\r\n", "*0\r\n"}},
		{`[]`, "*0\r\n", "*0\r\n", []string{"*-1\r\n", "_\r\n", "%0\r\n"}},
		{`[... :2 ...]`, "*1\r\n:2\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n", []string{"*1\r\n:1\r\n", "*0\r\n"}},
		{`{"a" :1 "b" :2}`, "*4\r\n$1\r\nb\r\n:2\r\n$1\r\na\r\n:1\r\n", "%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n", []string{"*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"}},
		{`{"a" :1 ...}`, "*4\r\n$1\r\nb\r\n:2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n", []string{"%0\r\n", "*0\r\n"}},
		{`push["m" :1]`, "*2\r\n$1\r\nm\r\n:1\r\n", ">2\r\n$1\r\nm\r\n:1\r\n", []string{"%1\r\n$1\r\nm\r\n:1\r\n"}},
		{`text"hi"`, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", []string{"+hi\r\n"}},
		{`~ :[0-9]+`, ":42\r\n", ":42\r\n", []string{":-1\r\n", "$2\r\n42\r\n"}},
		{`[~/"a.*"/ any]`, "*2\r\n$2\r\nab\r\n*0\r\n", "*2\r\n$1\r\na\r\n_\r\n", []string{"*2\r\n$1\r\nb\r\n:1\r\n", "*1\r\n$1\r\na\r\n"}},
		{`#t`, "#t\r\n", "#t\r\n", []string{"#f\r\n", ":1\r\n"}},
	}
	for _, c := range cases {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		expectMatch(t, c.pattern, p, c.resp2, 2, true)
		expectMatch(t, c.pattern, p, c.resp3, 3, true)
		for _, bytes := range c.not {
			expectMatch(t, c.pattern, p, bytes, 2, false)
			expectMatch(t, c.pattern, p, bytes, 3, false)
		}
	}
}

func expectMatch(t *testing.T, source string, p pattern, bytes string, proto int, want bool) {
	t.Helper()
	v, err := readValue(bufio.NewReader(strings.NewReader(bytes)))
	if err != nil {
		t.Errorf("%s: reading %q: %v", source, bytes, err)
		return
	}
	if got := p.match(v, proto, map[string]string{}); got != want {
		t.Errorf("%s matches %q in RESP%d: %v, want %v", source, bytes, proto, got, want)
	}
}

func TestNotRESP(t *testing.T) {
	for _, bytes := range []string{"", "\r\n", "OK\r\n", ":x\r\n", "+OK\n", "$3\r\nab\r\n", "$2\r\nabc\r\n", "*2\r\n:1\r\n", "$-2\r\n"} {
		if v, err := readValue(bufio.NewReader(strings.NewReader(bytes))); err == nil {
			t.Errorf("%q read as %s", bytes, v)
		}
	}
}

func TestBadPatterns(t *testing.T) {
	for _, text := range []string{"", "OK", "[", `["a"`, `{"a"}`, `"a" "b"`, "...", "~ (", "[~/a]", `"open`} {
		if p, err := parsePattern(text); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}

func TestQuoting(t *testing.T) {
	args, err := splitArgs(`SET  "a b\x00\n\"" 'it''s' 'it\'s' plain"quote`)
	if err == nil {
		t.Errorf("a quote that ends inside an argument was accepted: %q", args)
	}
	args, err = splitArgs(`SET  "a b\x00\n\"" 'it\'s' plain"quote ""`)
	want := []string{"SET", "a b\x00\n\"", "it's", `plain"quote`, ""}
	if err != nil || strings.Join(args, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, %v", args, err)
	}
}

func TestCapturesBecomeNames(t *testing.T) {
	r := &run{target: &target{suffix: "x1"}, vars: map[string]string{}}
	if got := r.fill(`~ :(?P<id>\d{10}) {topic}`); got != `~ :(?P<id>\d{10}) topic-x1` {
		t.Error(got)
	}
	p, err := parsePattern(`~ :(?P<id>\d+)`)
	if err != nil || !p.match(value{kind: kindInt, text: "7"}, 2, r.vars) {
		t.Fatal(err)
	}
	if got := r.fill("CLIENT KILL ID {id}"); got != "CLIENT KILL ID 7" {
		t.Error(got)
	}
}
