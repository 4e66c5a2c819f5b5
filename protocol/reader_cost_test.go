package protocol

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
