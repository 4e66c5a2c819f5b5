package protocol

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEncoder(t *testing.T) {
	for name, c := range map[string]struct {
		reply        func(e *Encoder)
		resp2, resp3 string
	}{
		"ok":        {func(e *Encoder) { e.OK() }, "+OK\r\n", "+OK\r\n"},
		"simple":    {func(e *Encoder) { e.Simple("PO\r\nNG") }, "+PO  NG\r\n", "+PO  NG\r\n"},
		"error":     {func(e *Encoder) { e.Error("ERR a\r\n+OK") }, "-ERR a  +OK\r\n", "-ERR a  +OK\r\n"},
		"int":       {func(e *Encoder) { e.Int(-12) }, ":-12\r\n", ":-12\r\n"},
		"long":      {func(e *Encoder) { e.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		"bulk":      {func(e *Encoder) { e.Bulk([]byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		"nil bulk":  {func(e *Encoder) { e.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
		"string":    {func(e *Encoder) { e.BulkString("abc") }, "$3\r\nabc\r\n", "$3\r\nabc\r\n"},
		"null":      {func(e *Encoder) { e.Null() }, "$-1\r\n", "_\r\n"},
		"nullarray": {func(e *Encoder) { e.NullArray() }, "*-1\r\n", "_\r\n"},
		"array":     {func(e *Encoder) { e.Array(0) }, "*0\r\n", "*0\r\n"},
		"map":       {func(e *Encoder) { e.Map(12) }, "*24\r\n", "%12\r\n"},
		"set":       {func(e *Encoder) { e.Set(4) }, "*4\r\n", "~4\r\n"},
		"verbatim":  {func(e *Encoder) { e.Verbatim("a:1\r\n") }, "$5\r\na:1\r\n\r\n", "=9\r\ntxt:a:1\r\n\r\n"},
		"raw":       {func(e *Encoder) { e.Raw([]byte(":1\r\n")) }, ":1\r\n", ":1\r\n"},
	} {
		for proto, want := range map[int]string{0: c.resp2, 2: c.resp2, 3: c.resp3} {
			e := Encoder{Proto: proto}
			c.reply(&e)
			if got := string(e.Bytes()); got != want || e.Len() != len(want) {
				t.Errorf("%s in RESP%d: %q, want %q", name, proto, got, want)
			}
		}
	}
}

func TestEncoderErrorIsCut(t *testing.T) {
	for _, filler := range []string{"a", "é", "世", "\xff", "\x80"} {
		var e Encoder
		e.Error("ERR " + strings.Repeat(filler, MaxErrorText))
		got := e.Bytes()
		if !bytes.HasSuffix(got, []byte("...\r\n")) || !utf8.Valid(got) || len(got) > MaxErrorText+len("-\r\n") {
			t.Errorf("%q: %d bytes, ending in %q", filler, len(got), got[len(got)-10:])
		}
	}
	var e Encoder
	e.Error(strings.Repeat("a", MaxErrorText))
	if e.Len() != MaxErrorText+len("-\r\n") {
		t.Error("an error that fits was cut")
	}
}

func TestEncoderKeepsNoMore(t *testing.T) {
	var e Encoder
	e.OK()
	e.Reset()
	if e.Len() != 0 || cap(e.buf) == 0 {
		t.Error("Reset must keep the buffer and nothing in it")
	}
	e.Bulk(make([]byte, maxReset))
	e.Reset()
	if cap(e.buf) > maxReset {
		t.Error("a large buffer was kept")
	}
	e.OK()
	e.Release()
	if e.buf != nil || e.owner != nil || e.Len() != 0 {
		t.Error("Release kept the buffer")
	}
	e.Release()
	e.Int(7)
	if got := string(e.Bytes()); got != ":7\r\n" {
		t.Errorf("after Release: %q", got)
	}
}

func TestEncoderDoesNotAllocate(t *testing.T) {
	e := Encoder{Proto: 3}
	value := bytes.Repeat([]byte("v"), 100)
	allocs := testing.AllocsPerRun(100, func() {
		e.Array(8)
		e.Int(math.MaxInt64)
		e.Bulk(value)
		e.BulkString("topic")
		e.Map(100)
		e.Set(12)
		e.Null()
		e.Error("ERR no")
		e.Verbatim("text")
		e.Reset()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
