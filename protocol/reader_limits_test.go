package protocol

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReaderLimits(t *testing.T) {
	limits := Limits{Args: 3, Bulk: 10, Command: 15, Inline: 5}
	for _, c := range []struct{ input, want string }{
		{"*3\r\n", ""},
		{"*4\r\n", "invalid multibulk length"},
		{"*1\r\n$10\r\n", ""},
		{"*1\r\n$11\r\n", ""}, // is read to its end
		{"*1\r\n$67108865\r\n", "invalid bulk length"},
		{"*2\r\n$10\r\n0123456789\r\n$5\r\n", ""},
		{"*2\r\n$10\r\n0123456789\r\n$6\r\n", ""},
		{"*2\r\n$10\r\n0123456789\r\n$67108860\r\n", "too big command"},
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

// What is above the limits is read to its end and dropped. The commands behind it are whole.
func TestReaderDropsWhatIsTooLarge(t *testing.T) {
	limits := Limits{Args: 5, Bulk: 10, Command: 15, Inline: 20}
	for _, c := range []struct {
		command []string
		kept    int // arguments
		want    TooLarge
	}{
		{[]string{"SET", "12345678901"}, 1, TooLarge{Bytes: 11, Limit: 10}},
		{[]string{"SET", strings.Repeat("x", 300_000), "short"}, 1, TooLarge{Bytes: 300_000, Limit: 10}},
		{[]string{strings.Repeat("x", 11)}, 0, TooLarge{Bytes: 11, Limit: 10}},
		{[]string{"SET", "1234567890", "123"}, 2, TooLarge{Bytes: 16, Limit: 15, Whole: true}},
		{[]string{"SET", "1234567890", "123", "1234567890", ""}, 2, TooLarge{Bytes: 26, Limit: 15, Whole: true}},
		{[]string{"SET", "1234567890", "123", "12345678901"}, 2, TooLarge{Bytes: 27, Limit: 15, Whole: true}},
	} {
		for size := range 4 {
			r := NewReader(limits)
			input := appendCommand(nil, "PING")
			input = append(appendCommand(input, c.command...), "inline text\r\n"...)
			input = appendCommand(appendCommand(input, c.command...), "PING", "again")
			var got [][]string
			var why []*TooLarge
			largest := 0
			for len(input) > 0 {
				n := copy(r.Space(), input[:pieceOf(len(input), size)])
				r.Filled(n)
				input = input[n:]
				for args, err := r.Next(); args != nil || err != nil; args, err = r.Next() {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, stringsOf(args))
					if large := r.TooLarge(); large != nil {
						copied := *large
						why = append(why, &copied)
					} else {
						why = append(why, nil)
					}
				}
				largest = max(largest, r.Buffered())
			}
			dropped := slices.Clone(c.command)
			clear(dropped[c.kept:])
			want := [][]string{{"PING"}, dropped, {"inline", "text"}, dropped, {"PING", "again"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("in pieces of %d (-want +got):\n%s", size, diff)
			}
			if diff := cmp.Diff([]*TooLarge{nil, &c.want, nil, &c.want, nil}, why); diff != "" {
				t.Errorf("in pieces of %d (-want +got):\n%s", size, diff)
			}
			if size > 0 && largest > 1000 {
				t.Errorf("%d bytes were kept", largest)
			}
		}
	}
}
