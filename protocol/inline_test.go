package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInline(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"PING", []string{"PING"}},
		{"  PING  a\tb ", []string{"PING", "a", "b"}},
		{"\v\fPING", []string{"PING"}},
		{"a\vb", []string{"a\vb"}},
		{`a "b c" 'd e'`, []string{"a", "b c", "d e"}},
		{`a"b c"`, []string{"ab c"}},
		{`""`, []string{""}},
		{`'' ""`, []string{"", ""}},
		{`"\x41\x0a\x7A"`, []string{"A\nz"}},
		{`"\x4"`, []string{"x4"}},
		{`"\xg0"`, []string{"xg0"}},
		{`"\n\r\t\b\a\\\"\q"`, []string{"\n\r\t\b\a\\\"q"}},
		{`'\n\''`, []string{`\n'`}},
		{`'\\'a'`, []string{`\'a`}},
		{`'"' "'"`, []string{`"`, "'"}},
		{`\x41`, []string{`\x41`}},
		{"a\x00b", []string{"a\x00b"}}, // Redis ends the line here and would lose the rest
	} {
		got, err := feed(t, NewReader(DefaultLimits()), []byte(c.line+"\r\n"), 0)
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
			continue
		}
		if diff := cmp.Diff([][]string{c.want}, got); diff != "" {
			t.Errorf("%q:\n%s", c.line, diff)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"":                                `""`,
		"hello world":                     `"hello world"`,
		"\\\"\n\r\t\a\b":                  `"\\\"\n\r\t\a\b"`,
		"\x00\x1b\x7f\x80\xff":            `"\x00\x1b\x7f\x80\xff"`,
		"é":                               `"\xc3\xa9"`,
		"<3>forged line\nsecond '$(id)' ": `"<3>forged line\nsecond '$(id)' "`,
	} {
		if got := string(AppendQuoted(nil, []byte(in))); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestIsHTTP(t *testing.T) {
	for name, want := range map[string]bool{
		"POST": true, "post": true, "Host:": true, "HOST:": true, "host:": true,
		"Host": false, "GET": false, "POSTS": false, "": false,
	} {
		if got := IsHTTP([]byte(name)); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
