package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawArgs draws a command: mostly short arguments of any bytes, now and then one that outgrows buffers.
func drawArgs(t *rapid.T) []string {
	short := rapid.StringOfN(rapid.Rune(), 0, 20, 60)
	raw := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 200), func(b []byte) string { return string(b) })
	long := rapid.Map(rapid.IntRange(1, 20_000), func(n int) string { return string(make([]byte, n)) })
	return rapid.SliceOfN(rapid.OneOf(short, raw, raw, long), 1, 12).Draw(t, "args")
}

// A command comes out as it went in, typed or as an array, however the bytes were cut and whatever
// else the reader did before.
func TestReaderGivesBackCommands(t *testing.T) {
	limits := Limits{Args: 12, Bulk: 20_000, Command: 240_000, Inline: 1 << 20}
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawArgs), 0, 10).Draw(rt, "commands")
		var input []byte
		for _, args := range want {
			input = encode(rt, input, args)
		}
		r := NewReader(limits)
		var got [][]string
		for len(input) > 0 {
			n := rapid.IntRange(1, len(input)).Draw(rt, "cut")
			some, err := feed(t, r, input[:n], rapid.SampledFrom([]int{0, 0, 0, 1000}).Draw(rt, "read"))
			if err != nil {
				rt.Fatal(err)
			}
			got, input = append(got, some...), input[n:]
			if rapid.Bool().Draw(rt, "idle") {
				r.Release()
			}
		}
		if len(want)+len(got) > 0 && !cmp.Equal(want, got) {
			rt.Fatal(cmp.Diff(want, got))
		}
		if r.Buffered() != 0 || r.MidCommand() {
			rt.Fatalf("%d bytes left over", r.Buffered())
		}
	})
}

func encode(t *rapid.T, dst []byte, args []string) []byte {
	if rapid.Bool().Draw(t, "array") {
		return appendCommand(dst, args...)
	}
	for _, arg := range args {
		dst = append(AppendQuoted(dst, []byte(arg)), ' ')
	}
	return append(dst, rapid.SampledFrom([]string{"\n", "\r\n", "\n\r\n"}).Draw(t, "line end")...)
}
