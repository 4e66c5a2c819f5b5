package protocol

import (
	"strings"
	"testing"
)

func TestReaderLimits(t *testing.T) {
	limits := Limits{Args: 3, Bulk: 10, Command: 15, Inline: 5}
	for _, c := range []struct{ input, want string }{
		{"*3\r\n", ""},
		{"*4\r\n", "invalid multibulk length"},
		{"*1\r\n$10\r\n", ""},
		{"*1\r\n$11\r\n", "invalid bulk length"},
		{"*2\r\n$10\r\n0123456789\r\n$5\r\n", ""},
		{"*2\r\n$10\r\n0123456789\r\n$6\r\n", "too big command"},
		{"*2\r\n$10\r\n0123456789\r\n$5\r\n01234\r\n*2\r\n$10\r\n", ""}, // each command counts for itself
		{"12345\r\n", "-"},
		{"12345\n", "-"},
		{"123456\n", "too big inline request"},
		{"123456\r", "too big inline request"},
		{"12345\rx", "too big inline request"},
		{"1 2 3\n", "-"},
		{"a\nb\n1 2 3 4\n", "too big inline request"},
	} {
		if c.want == "-" { // whole: nothing is owed
			_, err := feed(t, NewReader(limits), []byte(c.input), 1)
			checkSyntax(t, c.input, err, "")
			continue
		}
		refused(t, limits, c.input, c.want)
	}
	refused(t, Limits{}, "*1\r\n", "invalid multibulk length")
	refused(t, Limits{Args: -1, Bulk: -1, Inline: -9}, "aa", "too big inline request")
}

func TestReaderPreAuth(t *testing.T) {
	for _, c := range []struct{ input, want string }{
		{"*10\r\n", ""},
		{"*11\r\n", "unauthenticated multibulk length"},
		{"*2147483647\r\n", "unauthenticated multibulk length"},
		{"*2147483648\r\n", "invalid multibulk length"},
		{"*1\r\n$16384\r\n", ""},
		{"*1\r\n$16385\r\n", "unauthenticated bulk length"},
		{"*1\r\n$536870912\r\n", "unauthenticated bulk length"},
		{"*1\r\n$536870913\r\n", "invalid bulk length"},
		{"*1\r\n$-1\r\n", "invalid bulk length"},
		{strings.Repeat("a", 1025) + "\n", "too big inline request"},
	} {
		refused(t, PreAuthLimits(), c.input, c.want)
	}
}

// A client that authenticates may have sent what comes next in the same packet.
func TestReaderSetLimits(t *testing.T) {
	r := NewReader(PreAuthLimits())
	input := appendCommand(appendCommand(nil, "AUTH", "x"), "ECHO", strings.Repeat("a", 17<<10))
	r.Filled(copy(r.Space(), input))
	if args, err := r.Next(); len(args) != 2 || err != nil {
		t.Fatal(args, err)
	}
	r.SetLimits(DefaultLimits())
	got, err := feed(t, r, input[r.end:], 0)
	if err != nil || len(got) != 1 || len(got[0][1]) != 17<<10 {
		t.Fatal(len(got), err)
	}
}

// Narrower limits judge the next command, and leave room to finish the one begun before.
func TestReaderNarrowerLimits(t *testing.T) {
	r := NewReader(DefaultLimits())
	input := appendCommand(nil, "ECHO", strings.Repeat("a", 1<<20))
	if _, err := feed(t, r, input[:1<<10], 0); err != nil {
		t.Fatal(err)
	}
	r.SetLimits(PreAuthLimits())
	got, err := feed(t, r, input[1<<10:], 0)
	if err != nil || len(got) != 1 {
		t.Fatal(len(got), err)
	}
	_, err = feed(t, r, input, 0)
	checkSyntax(t, "ECHO of 1 MiB", err, "unauthenticated bulk length")
}
