package protocol

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReader(t *testing.T) {
	for _, c := range []struct {
		input string
		want  [][]string
	}{
		{"*1\r\n$4\r\nPING\r\n", [][]string{{"PING"}}},
		{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [][]string{{"ECHO", ""}}},
		{"*1\r\n$0\r\n\r\n", [][]string{{""}}},
		{"*2\r\n$1\r\na\r\n$4\r\n\r\n\x00*\r\n", [][]string{{"a", "\r\n\x00*"}}},
		{"\r\n\n*0\r\n*-1\r\n \t\r\nPING\n", [][]string{{"PING"}}},
		{"*-9223372036854775808\r\nPING\r\n", [][]string{{"PING"}}},
		{"PING\r\n*1\r\n$1\r\na\r\nECHO hi\n", [][]string{{"PING"}, {"a"}, {"ECHO", "hi"}}},
		{"$4\r\n+x\r\n", [][]string{{"$4"}, {"+x"}}}, // no type but an array starts a command
		{"*2\r\n$1\r\na\r\n$1\r\n", nil},
		{"*1", nil},
		{"*1\r", nil},
		{"PING\r", nil},
	} {
		for size := range 3 {
			got, err := feed(t, NewReader(DefaultLimits()), []byte(c.input), size)
			if err != nil {
				t.Fatalf("%q in pieces of %d: %v", c.input, size, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q in pieces of %d:\n%s", c.input, size, diff)
			}
		}
	}
}

// Redis 7.0.15 answers each of these with the same text, with its own limits where ours are lower.
func TestReaderRefuses(t *testing.T) {
	digits := strings.Repeat("1", 70)
	for _, c := range []struct{ input, want string }{
		{"*1\r\nfoo\r\n", "expected '$', got 'f'"},
		{"*1\r\n\r\n", "expected '$', got ' '"},
		{"*1\r\n\xff\r\n", `expected '$', got '\xff'`},
		{"*1\r\n*1\r\n$1\r\na\r\n", "expected '$', got '*'"},
		{"*" + digits, "too big mbulk count string"},
		{"*" + digits + "\r\n", "too big mbulk count string"},
		{"*1\r\n$" + digits, "too big bulk count string"},
		{"*" + digits[:63], ""},
		{"*" + digits[:64], "too big mbulk count string"},
		{"*" + digits[:63] + "\r\n", "invalid multibulk length"},
		{"*\r\n", "invalid multibulk length"},
		{"*1\rx", "invalid multibulk length"},
		{"*1\r\n$1\rx", "invalid bulk length"},
		{"*1\r\n$1\r\nabc", "invalid bulk length"},
		{"*1\r\n$1\r\na\rx", "invalid bulk length"},
		{"*1\r\n$4\r\nPINGxx", "invalid bulk length"},
		{"SET \"a\n", "unbalanced quotes in request"},
		{"SET 'a\n", "unbalanced quotes in request"},
		{"SET \"a\"b\n", "unbalanced quotes in request"},
		{"SET 'a'\"b\"\n", "unbalanced quotes in request"},
		{"SET \"a\\", ""},
		{"SET \"a\\\n", "unbalanced quotes in request"},
		{strings.Repeat("a", 4097) + "\n", "too big inline request"},
		{strings.Repeat("a", 4098), "too big inline request"},
		{strings.Repeat("a", 4097), ""},
	} {
		refused(t, DefaultLimits(), c.input, c.want)
	}
}

// refused says whether input, whole and dripped, ends with the error (none when want is empty).
func refused(t *testing.T, l Limits, input, want string) {
	t.Helper()
	for size := range 2 {
		r := NewReader(l)
		_, err := feed(t, r, []byte(input), size)
		checkSyntax(t, input, err, want)
		if _, again := r.Next(); !errors.Is(again, err) && want != "" {
			t.Errorf("%.60q: after %v came %v", input, err, again)
		}
		if want == "" && !r.MidCommand() {
			t.Errorf("%.60q: not in the middle of a command", input)
		}
	}
}

func checkSyntax(t *testing.T, input string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%.60q: %v", input, err)
		}
		return
	}
	var syntax SyntaxError
	if !errors.As(err, &syntax) || err.Error() != "Protocol error: "+want {
		t.Errorf("%.60q: got %v, want %s", input, err, want)
	}
}

// boundaries are numbers at which a parser or an allocation goes wrong, and whether they are numbers.
var boundaries = []struct {
	text  string
	valid bool
}{
	{"0", true},
	{"1", true},
	{"-1", true},
	{"2147483647", true},
	{"2147483648", true},
	{"4294967296", true},
	{"9223372036854775807", true},
	{"9223372036854775808", false},
	{"18446744073709551615", false},
	{"18446744073709551616", false},
	{"-9223372036854775808", true},
	{"-9223372036854775809", false},
	{"1000000000000000", true},
	{"99999999999999999999", false},
	{"+1", false},
	{"01", false},
	{"00", false},
	{"-0", false},
	{"-01", false},
	{" 1", false},
	{"1 ", false},
	{"", false},
	{"-", false},
	{"--1", false},
	{"1.0", false},
	{"1e3", false},
	{"0x1", false},
	{"\x001", false},
	{"1\n", false},
}

func TestParseInt(t *testing.T) {
	for _, b := range boundaries {
		n, ok := ParseInt([]byte(b.text))
		if ok != b.valid || ok && fmt.Sprint(n) != b.text {
			t.Errorf("%q: %d, %v", b.text, n, ok)
		}
	}
}

func TestReaderBoundaries(t *testing.T) {
	for _, b := range boundaries {
		count, length := "invalid multibulk length", "invalid bulk length"
		if n, ok := ParseInt([]byte(b.text)); ok && n <= 1 {
			count = "" // 1 is a command, 0 and below are none
		}
		if b.text == "0" || b.text == "1" {
			length = ""
		}
		for size := range 2 {
			_, err := feed(t, NewReader(DefaultLimits()), []byte("*"+b.text+"\r\n"), size)
			checkSyntax(t, "*"+b.text, err, count)
			_, err = feed(t, NewReader(DefaultLimits()), []byte("*1\r\n$"+b.text+"\r\n"), size)
			checkSyntax(t, "*1 $"+b.text, err, length)
		}
	}
}

// An argument that is appended to must not write over the next one.
func TestReaderArgumentsAreApart(t *testing.T) {
	for _, input := range []string{"*2\r\n$1\r\na\r\n$1\r\nb\r\n", "a b\n", `"a" 'b'` + "\n"} {
		r := NewReader(DefaultLimits())
		r.Filled(copy(r.Space(), input))
		args, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		_ = append(args[0], "xxxxxxxx"...)
		if string(args[1]) != "b" {
			t.Errorf("%q: the second argument became %q", input, args[1])
		}
	}
}
