package protocol

import (
	"bytes"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallLimits are within the reach of a fuzzer.
var smallLimits = Limits{Args: 4, Bulk: 40, Command: 60, Inline: 30}

func seedCommands(f *testing.F, add func([]byte)) {
	f.Helper()
	for _, b := range boundaries {
		add([]byte("*" + b.text + "\r\n$1\r\na\r\n"))
		add([]byte("*2\r\n$4\r\nECHO\r\n$" + b.text + "\r\na\r\n"))
	}
	for _, s := range []string{
		"PING\r\n*1\r\n$4\r\nPING\r\n\r\nECHO \"a\\x41\" 'b'\n",
		"*1\r\n$9223372036854775807\r\nA",
		"*9223372036854775807\r\n",
		"*1\r\n$900000000\r\nx",
		"*3\r\n$30\r\n012345678901234567890123456789\r\n$30\r\n012345678901234567890123456789\r\n$1\r\na\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
		"*1\r\n$4\r\nPINGxx*1\r\n",
		"*1\r\r\n$1\r\n\n\r\n",
	} {
		add([]byte(s))
	}
}

// FuzzReader compares with the slow reference, and bounds what an input may cost in memory.
func FuzzReader(f *testing.F) {
	seedCommands(f, func(b []byte) { f.Add(b, false, false) })
	seedCommands(f, func(b []byte) { f.Add(b, true, true) })
	f.Fuzz(func(t *testing.T, input []byte, preAuth, small bool) {
		l := DefaultLimits()
		if preAuth {
			l = PreAuthLimits()
		}
		if small {
			l = smallLimits
			l.PreAuth = preAuth
		}
		want, rest, wantErr := reference(string(input), l)
		r := NewReader(l)
		got, err := feed(t, r, input, 0)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%q: error %v, want %v", input, err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q:\n%s", input, diff)
		}
		if err == nil && r.TooLarge() == nil && (r.Buffered() != rest || r.MidCommand() != (rest > 0)) {
			t.Fatalf("%q: %d bytes left, want %d", input, r.Buffered(), rest)
		}
		boundedMemory(t, l, input)
	})
}

// boundedMemory fails when reading input allocates more than a fixed sum and a few times its length.
func boundedMemory(t *testing.T, l Limits, input []byte) {
	before := allocated()
	r := NewReader(l)
	for rest := input; len(rest) > 0; {
		n := copy(r.Space(), rest)
		r.Filled(n)
		rest = rest[n:]
		args, err := r.Next()
		for args != nil {
			args, err = r.Next()
		}
		if err != nil {
			break
		}
	}
	if used := int(allocated() - before); used > 64<<10+64*len(input) {
		t.Fatalf("%q: %d bytes allocated for %d", input, used, len(input))
	}
	if len(r.buf) > max(minBuffer, 2*len(input)) {
		t.Fatalf("%q: a buffer of %d for %d bytes", input, len(r.buf), len(input))
	}
}

// FuzzSplit: however the network cuts the bytes, they are the same commands.
func FuzzSplit(f *testing.F) {
	seedCommands(f, func(b []byte) { f.Add(b, []byte{1}) })
	seedCommands(f, func(b []byte) { f.Add(b, []byte{3, 0, 7}) })
	f.Fuzz(func(t *testing.T, input, cuts []byte) {
		whole, wholeErr := feed(t, NewReader(smallLimits), input, 0)
		r := NewReader(smallLimits)
		var got [][]string
		var err error
		for i := 0; len(input) > 0 && err == nil; i++ {
			n := len(input)
			if i < len(cuts) {
				n = min(int(cuts[i]), n)
			}
			var some [][]string
			some, err = feed(t, r, input[:n], 0)
			got, input = append(got, some...), input[n:]
			r.Release()
		}
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) {
			t.Fatalf("in pieces %v, whole %v", err, wholeErr)
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzInline compares the splitting of lines with the reference, and quotes and unquotes.
func FuzzInline(f *testing.F) {
	for _, s := range []string{
		"", " ", "PING", `SET a "b c"`, `SET a 'b c'`, `SET a b"c d"`, `SET a "b"c`, `"\x41\x4"`, `"\xzz"`, `"\n\r\t\b\a\\\""`,
		`'\''`, `'\\'`, `'\\''`, `'\n'`, `"`, `'`, `"\`, "a\x00b", "\v\fPING", "a\vb", "\xff\xfe", `"\x0"`, `a'b'`, `a\"b`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want, wantOK := referenceSplit(string(line))
		got, ok := splitInline(nil, bytes.Clone(line), len(line))
		if ok != wantOK {
			t.Fatalf("%q: ok is %v", line, ok)
		}
		if diff := cmp.Diff(want, stringsOf(got)); ok && len(want)+len(got) > 0 && diff != "" {
			t.Fatalf("%q:\n%s", line, diff)
		}
		quotedRoundTrip(t, line)
	})
}

// quotedRoundTrip: what MONITOR shows can be typed.
func quotedRoundTrip(t *testing.T, arg []byte) {
	quoted := AppendQuoted(nil, arg)
	for _, c := range quoted {
		if c < ' ' || c > '~' {
			t.Fatalf("%q: %q is not printable", arg, quoted)
		}
	}
	r := NewReader(Limits{Args: 2, Inline: len(quoted) + len("ECHO ")})
	line := append(append([]byte("ECHO "), quoted...), "\r\n"...)
	got, err := feed(t, r, line, 0)
	if err != nil || len(got) != 1 || len(got[0]) != 2 || got[0][1] != string(arg) {
		t.Fatalf("%q came back as %q, %v", arg, got, err)
	}
}

// FuzzMatch compares with a table of all prefixes, and counts steps.
func FuzzMatch(f *testing.F) {
	for _, c := range globs {
		f.Add(c.pattern, c.name)
	}
	f.Add(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 249))
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > maxPattern || len(name) > 1000 {
			return
		}
		g := glob{pattern: []byte(pattern), name: []byte(name)}
		got := g.match()
		if most := (len(pattern) + 1) * (len(name) + 1); g.steps > most {
			t.Fatalf("%q with %q: %d steps, more than %d", pattern, name, g.steps, most)
		}
		if want := referenceMatch(pattern, name); got != want {
			t.Fatalf("%q with %q: got %v", pattern, name, got)
		}
	})
}

// referenceMatch keeps, element by element, for which prefixes of the name the pattern so far fits.
func referenceMatch(pattern, name string) bool {
	fits := make([]bool, len(name)+1)
	fits[0] = true
	for pattern != "" {
		set, rest := referenceElement(pattern)
		next := make([]bool, len(name)+1)
		for i := range next {
			if pattern[0] == '*' {
				next[i] = fits[i] || i > 0 && next[i-1]
				continue
			}
			next[i] = i > 0 && fits[i-1] && set[name[i-1]]
		}
		fits, pattern = next, rest
	}
	return fits[len(name)]
}

// referenceElement takes one element off a pattern: the bytes it fits, if it is no star, and the rest.
func referenceElement(pattern string) (set [256]bool, rest string) {
	first, rest := pattern[0], pattern[1:]
	switch {
	case first == '[':
		inner, not := strings.CutPrefix(rest, "^")
		set, rest = referenceClass(inner)
		for c := range set {
			set[c] = set[c] != not
		}
		return set, rest
	case first == '\\' && rest != "":
		first, rest = rest[0], rest[1:]
		set[first] = true
		return set, rest
	}
	for c := range set {
		set[c] = first == '?' || c == int(first)
	}
	return set, rest
}

// referenceClass reads a class up to its ]. A range takes any third byte, even a ].
func referenceClass(inner string) (set [256]bool, rest string) {
	for inner != "" && inner[0] != ']' {
		low, high, width := inner[0], inner[0], 1
		switch {
		case inner[0] == '\\' && len(inner) > 1:
			low, high, width = inner[1], inner[1], 2
		case len(inner) > 2 && inner[1] == '-':
			low, high, width = min(low, inner[2]), max(low, inner[2]), 3
		}
		for c := int(low); c <= int(high); c++ {
			set[c] = true
		}
		inner = inner[width:]
	}
	return set, strings.TrimPrefix(inner, "]")
}

// FuzzRecordID: what is taken is exactly what it prints as, and nothing in range is refused.
func FuzzRecordID(f *testing.F) {
	for _, b := range boundaries {
		f.Add([]byte("greetings:" + b.text + ":0"))
		f.Add([]byte("greetings:0:" + b.text))
	}
	f.Add([]byte("a:b:1:2"))
	f.Add([]byte("a:1:2:"))
	f.Add([]byte(":0:0"))
	f.Add([]byte("..:0:0"))
	shape := regexp.MustCompile(`^([A-Za-z0-9._-]{1,249}):(0|[1-9][0-9]*):(0|[1-9][0-9]*)$`)
	f.Fuzz(func(t *testing.T, arg []byte) {
		id, err := ParseRecordID(arg)
		if err == nil {
			if printed := fmt.Sprintf("%s:%d:%d", id.Topic, id.Partition, id.Offset); printed != string(arg) || CheckTopic(id.Topic) != nil {
				t.Fatalf("%q was read as %s", arg, printed)
			}
		}
		parts := shape.FindSubmatch(arg)
		valid := parts != nil && CheckTopic(parts[1]) == nil && fits(parts[2], 31) && fits(parts[3], 63)
		if valid != (err == nil) {
			t.Fatalf("%q: %v", arg, err)
		}
		if err != nil && len(err.Error()) > MaxErrorText {
			t.Fatalf("%q: an error of %d bytes", arg, len(err.Error()))
		}
	})
}

// fits reports whether a decimal has at most so many bits.
func fits(decimal []byte, bits int) bool {
	n, ok := new(big.Int).SetString(string(decimal), 10)
	return ok && n.BitLen() <= bits
}

// FuzzTimeout: a wait is never negative, never overflows, and for ever only when zero was meant.
func FuzzTimeout(f *testing.F) {
	for _, b := range boundaries {
		f.Add([]byte(b.text))
		f.Add([]byte(b.text + ".5"))
	}
	for _, s := range []string{"inf", "-inf", "nan", "0x10", "1_0", "1e300", "1e999", "-1e999", ".5", "1.", ".", "1e-300", "-0.0001", "1e-400"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, arg []byte) {
		wait, forever, err := ParseTimeout(arg)
		seconds, floatErr := strconv.ParseFloat(string(arg), 64)
		if err != nil {
			if err != ErrTimeout && err != ErrNegativeTimeout { //nolint:errorlint // the text is the contract
				t.Fatal(err)
			}
			if err == ErrNegativeTimeout && seconds >= 0 { //nolint:errorlint // as above
				t.Fatalf("%q: %v", arg, err)
			}
			return
		}
		if floatErr != nil || forever != (seconds == 0) || forever != (wait == 0) || wait < 0 || wait > maxWait {
			t.Fatalf("%q: %v, %v", arg, wait, forever)
		}
		if off := wait.Seconds() - seconds; wait < maxWait && (off > 1e-6*seconds+1e-8 || off < -1e-6*seconds-1e-8) {
			t.Fatalf("%q: %v is not %v s", arg, wait, seconds)
		}
	})
}
