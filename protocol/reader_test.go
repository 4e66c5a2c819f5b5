package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
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
		{strings.Repeat("a ", 1025) + "\n", "too big inline request"},
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

// The inputs that kill or stall a server built on redcon v1.6.2's reader.
func TestReaderAttacks(t *testing.T) {
	for _, c := range []struct{ input, want string }{
		{"*1\r\n$9223372036854775807\r\nA", "invalid bulk length"}, // index out of range
		{"*9223372036854775807\r\n", "invalid multibulk length"},   // spins
		{"*2147483647\r\n", "invalid multibulk length"},
		{"*1000000000000000\r\n", "invalid multibulk length"},
		{"*1\r\n$900000000\r\n", "invalid bulk length"}, // stack overflow
		{"*1\r\n$2000000000\r\n", "invalid bulk length"},
	} {
		for size := range 2 {
			before := allocated()
			_, err := feed(t, NewReader(DefaultLimits()), []byte(c.input), size)
			checkSyntax(t, c.input, err, c.want)
			if used := allocated() - before; used > 64<<10 {
				t.Errorf("%q took %d bytes of memory", c.input, used)
			}
		}
	}
}

// allocated is the number of bytes ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Headers promise, bytes pay: memory follows what really came.
func TestReaderMemoryFollowsInput(t *testing.T) {
	input := appendCommand(nil, "ECHO", strings.Repeat("a", 1<<20))
	header := bytes.IndexByte(input, 'a')
	before := allocated()
	if _, err := feed(t, NewReader(DefaultLimits()), input, 0); err != nil {
		t.Fatal(err)
	}
	if used := int(allocated() - before); used > 6*len(input) { // doubling twice over, and feed's copy
		t.Errorf("%d bytes allocated for a command of %d", used, len(input))
	}
	for _, received := range []int{header, header + 1, 5 << 10, 100 << 10, 1 << 20} {
		r := NewReader(DefaultLimits())
		if _, err := feed(t, r, input[:received], 700); err != nil {
			t.Fatal(err)
		}
		if held := len(r.buf); held > max(minBuffer, 2*received) {
			t.Errorf("%d bytes held for %d received", held, received)
		}
	}
	r := NewReader(DefaultLimits())
	if _, err := feed(t, r, []byte("*1024\r\n$1\r\na\r\n"), 0); err != nil {
		t.Fatal(err)
	}
	if cap(r.spans) > keepArgs || cap(r.args) > keepArgs {
		t.Errorf("room for %d arguments when one came", max(cap(r.spans), cap(r.args)))
	}
}

// A command as long as the limits allow ends in a buffer not much larger than it.
func TestReaderMemoryBound(t *testing.T) {
	l := DefaultLimits()
	args := []string{strings.Repeat("a", l.Bulk), strings.Repeat("b", l.Bulk), strings.Repeat("c", l.Bulk), strings.Repeat("d", l.Bulk)}
	r := NewReader(l)
	if got, err := feed(t, r, appendCommand(nil, args...), 9999); err != nil || len(got) != 1 {
		t.Fatal(len(got), err)
	}
	if most := l.Command + l.Args*maxHeader + minBuffer; len(r.buf) > most {
		t.Errorf("%d bytes held, more than %d", len(r.buf), most)
	}
}

// Dripped bytes cost the same each, however many came before them.
func TestReaderDripIsLinear(t *testing.T) {
	wide := Limits{Args: 1 << 20, Bulk: 1 << 24, Command: 1 << 24, Inline: 1 << 24}
	for name, input := range map[string]func(size int) []byte{
		"bulk":   func(n int) []byte { return appendCommand(nil, strings.Repeat("a", n)) },
		"args":   func(n int) []byte { return appendCommand(nil, strings.Split(strings.Repeat("a", n/7), "")...) },
		"inline": func(n int) []byte { return []byte(strings.Repeat("a", n) + "\n") },
		"words":  func(n int) []byte { return []byte(strings.Repeat("a ", n/2) + "\n") },
		"blank":  func(n int) []byte { return []byte(strings.Repeat("\n", n)) },
		"empty":  func(n int) []byte { return []byte(strings.Repeat("*0\r\n", n/4)) },
	} {
		t.Run(name, func(t *testing.T) {
			small, large := input(1<<15), input(1<<19)
			ratio := float64(dripTime(t, wide, large)) / float64(dripTime(t, wide, small))
			if ratio > 80 { // 16 is linear, 256 quadratic
				t.Errorf("16 times the bytes took %.0f times as long", ratio)
			}
		})
	}
}

// dripTime is the processor time of the shortest of three runs: the machine has other things to do as well.
func dripTime(t *testing.T, l Limits, input []byte) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Duration(1 << 62)
	for range 3 {
		began := threadTime(t)
		if _, err := feed(t, NewReader(l), input, 1); err != nil {
			t.Fatal(err)
		}
		best = min(best, threadTime(t)-began)
	}
	return best
}

// threadTime is the processor time that this thread has had.
func threadTime(t *testing.T) time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Nano())
}

func TestReaderDoesNotAllocate(t *testing.T) {
	input := bytes.Repeat(appendCommand(nil, "RPUSHX", "topics:greetings", strings.Repeat("v", 100)), 20)
	input = append(input, "RPUSHX topics:greetings \"\\x41\"\r\n"...)
	r := NewReader(DefaultLimits())
	allocs := testing.AllocsPerRun(100, func() {
		r.Filled(copy(r.Space(), input))
		for args, err := r.Next(); args != nil || err != nil; args, err = r.Next() {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
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
