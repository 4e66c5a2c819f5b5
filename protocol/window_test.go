package protocol

import (
	"bytes"
	"strings"
	"testing"
)

func TestIdleReaderHoldsNothing(t *testing.T) {
	r := NewReader(DefaultLimits())
	if r.Buffered() != 0 || r.MidCommand() {
		t.Fatal("a new reader has bytes")
	}
	args := strings.Split(strings.Repeat("x", 1000), "")
	if got, err := feed(t, r, appendCommand(nil, args...), 0); len(got) != 1 || err != nil {
		t.Fatal(len(got), err)
	}
	r.Release()
	if r.buf != nil || r.owner != nil || cap(r.args) > keepArgs || cap(r.spans) > keepArgs {
		t.Error("an idle reader keeps memory")
	}
	if got, err := feed(t, r, []byte("PING\r\n"), 0); len(got) != 1 || err != nil {
		t.Fatal("no use after Release", got, err)
	}
}

func TestReleaseKeepsUnfinished(t *testing.T) {
	r := NewReader(DefaultLimits())
	for _, part := range []string{"*2\r\n", "$4\r\nEC", "HO\r\n", "$2\r\nhi\r", ""} {
		if got, err := feed(t, r, []byte(part), 0); len(got) != 0 || err != nil {
			t.Fatal(got, err)
		}
		if !r.MidCommand() {
			t.Fatalf("after %q: not in the middle of a command", part)
		}
		r.Release()
	}
	got, err := feed(t, r, []byte("\n"), 0)
	if err != nil || len(got) != 1 || got[0][1] != "hi" {
		t.Fatal(got, err)
	}
	if r.MidCommand() {
		t.Error("still in the middle of a command")
	}
}

// A busy connection gets a larger buffer, in steps, because its reads fill the one it has.
func TestBufferGrowsWithReads(t *testing.T) {
	r := NewReader(DefaultLimits())
	input := bytes.Repeat([]byte("PING\r\n"), 100_000)
	if _, err := feed(t, r, input, 0); err != nil {
		t.Fatal(err)
	}
	if len(r.buf) != maxPooled {
		t.Errorf("buffer of %d after reads that fill it", len(r.buf))
	}
	r = NewReader(DefaultLimits())
	if _, err := feed(t, r, input, 1000); err != nil {
		t.Fatal(err)
	}
	if len(r.buf) != minBuffer {
		t.Errorf("buffer of %d after short reads", len(r.buf))
	}
}

// One large command must not cost its buffer for as long as the connection stays busy.
func TestBufferShrinks(t *testing.T) {
	r := NewReader(DefaultLimits())
	large := appendCommand(nil, strings.Repeat("a", 1<<20))
	if _, err := feed(t, r, large, 0); err != nil {
		t.Fatal(err)
	}
	owner := r.owner
	if _, err := feed(t, r, large, 0); err != nil {
		t.Fatal(err)
	}
	if r.owner != owner {
		t.Error("the buffer went away between large commands")
	}
	if _, err := feed(t, r, []byte("PING\r\nPING\r\n"), 6); err != nil {
		t.Fatal(err)
	}
	r.Space()
	if len(r.buf) > maxPooled {
		t.Errorf("buffer of %d for small commands", len(r.buf))
	}
}

// Who reads on without taking commands gets no endless buffer.
func TestSpaceEndsWhenNobodyTakes(t *testing.T) {
	l := Limits{Args: 10, Bulk: 100, Command: 100 << 10, Inline: 100}
	r := NewReader(l)
	if args, err := r.Next(); args != nil || err != nil {
		t.Fatal(args, err)
	}
	total := 0
	endless := strings.Repeat("PING\r\n", 1<<18)
	for {
		space := r.Space()
		if len(space) == 0 {
			break
		}
		n := copy(space, endless[total:])
		r.Filled(n)
		if total += n; total > 1<<20 {
			t.Fatal("1 MiB taken in")
		}
	}
	commands := 0
	for args, err := r.Next(); args != nil; args, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		commands++
	}
	if commands != total/6 {
		t.Errorf("%d commands of %d", commands, total/6)
	}
	if len(r.Space()) == 0 {
		t.Error("no space after all commands were taken")
	}
}

func TestBufferClasses(t *testing.T) {
	for _, c := range []struct{ size, want int }{
		{1, minBuffer},
		{minBuffer, minBuffer},
		{minBuffer + 1, 2 * minBuffer},
		{60 << 10, maxPooled},
		{maxPooled, maxPooled},
		{maxPooled + 1, maxPooled + 1},
	} {
		b := takeBuffer(c.size)
		if len(b.bytes) != c.want {
			t.Errorf("%d: got %d, want %d", c.size, len(b.bytes), c.want)
		}
		giveBuffer(b)
	}
	giveBuffer(nil)
}
