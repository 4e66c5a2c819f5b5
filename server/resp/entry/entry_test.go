package entry

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestIDOf(t *testing.T) {
	for _, c := range []struct {
		at   kafka.Result
		want string
	}{
		{kafka.Result{Partition: 2, Offset: 10, Timestamp: 1700000000000}, "1700000000000-1000002"},
		{kafka.Result{Partition: 0, Offset: 0, Timestamp: 0}, "1-0"},
		{kafka.Result{Partition: 99_999, Offset: 0, Timestamp: -1}, "1-99999"},
		{kafka.Result{Partition: 99_999, Offset: 92_233_720_368_547, Timestamp: 1}, "1-9223372036854799999"},
		{kafka.Result{Partition: 99_999, Offset: 184_467_440_737_094, Timestamp: math.MaxInt64}, "9223372036854775807-18446744073709499999"},
		{kafka.Result{Partition: 0, Offset: 184_467_440_737_095, Timestamp: 1}, ""},
		{kafka.Result{Partition: 0, Offset: math.MaxInt64, Timestamp: 1}, ""},
		{kafka.Result{Partition: 100_000, Offset: 1, Timestamp: 1}, ""},
		{kafka.Result{Partition: -1, Offset: 1, Timestamp: 1}, ""},
		{kafka.Result{Partition: 1, Offset: -1, Timestamp: 1}, ""},
	} {
		id, err := IDOf(&c.at)
		if (err != nil) != (c.want == "") || err == nil && string(id.Append(nil)) != c.want {
			t.Errorf("%+v: %s, %v", c.at, id.Append(nil), err)
		}
		if n := len(id.Append(nil)); n > MaxID {
			t.Errorf("an id of %d bytes", n)
		}
	}
}

func words(line string) (args [][]byte) {
	for word := range strings.FieldsSeq("XADD " + line) {
		args = append(args, []byte(word))
	}
	return args
}

// headers are the names and values of packed headers, one behind the other.
func headers(p kafka.PackedHeaders) (list []string) {
	for len(p) > 0 {
		name, value := int(binary.NativeEndian.Uint32(p)), int(binary.NativeEndian.Uint32(p[4:]))
		list = append(list, string(p[8:8+name]), string(p[8+name:8+name+value]))
		p = p[8+name+value:]
	}
	return list
}

// One Entry reads one command behind the other, and nothing of an earlier one is left.
func TestParse(t *testing.T) {
	var e Entry
	for _, c := range []struct {
		line       string
		key, value string
		millis     int64
		existing   bool
		headers    []string
	}{
		{"t * a 1 value v b 2 key k a 3", "k", "v", 0, false, []string{"a", "1", "b", "2", "a", "3"}},
		{"t * value v", "", "v", 0, false, nil},
		{"t NoMkStream 17-* f 1", "", "", 17, true, []string{"f", "1"}},
		{"t LIMIT 5 MAXLEN ~ 10 NOMKSTREAM * KEY k", "", "", 0, true, []string{"KEY", "k"}},
		{"t MINID = 1-2 18446744073709551615-* maxlen 1", "", "", math.MaxInt64, false, []string{"maxlen", "1"}},
		{"t minid 1 * * *", "", "", 0, false, []string{"*", "*"}},
	} {
		if err := e.Parse(words(c.line)); err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if string(e.Topic) != "t" || string(e.Key) != c.key || (e.Key != nil) != (c.key != "") || e.Value == nil || string(e.Value) != c.value ||
			e.Details.Timestamp != c.millis || e.Details.Partition != kafka.AnyPartition || e.Existing != c.existing {
			t.Errorf("%s: %+v", c.line, e)
		}
		if diff := cmp.Diff(c.headers, headers(e.Details.Headers)); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
		e.Release()
	}
}

// An empty argument may be a nil slice, and Kafka would take it for a null.
func TestNothingIsNull(t *testing.T) {
	var e Entry
	for _, field := range []string{"key", "value", "other"} {
		if err := e.Parse(append(words("t *"), []byte(field), nil)); err != nil {
			t.Fatal(err)
		}
		if e.Value == nil || field == "key" && e.Key == nil || field == "other" && headers(e.Details.Headers)[1] != "" {
			t.Errorf("%s: %+v", field, e)
		}
	}
}

func TestReleaseKeepsLittle(t *testing.T) {
	var e Entry
	for size, kept := range map[int]bool{10: true, 2 * roomKept: false} {
		args := append(words("t * value v"), []byte("large"), make([]byte, size))
		if err := e.Parse(args); err != nil {
			t.Fatal(err)
		}
		e.Release()
		if e.Topic != nil || e.Value != nil || (cap(e.Details.Headers) > 0) != kept || cap(e.Details.Headers) > roomKept {
			t.Errorf("%d bytes: %d are kept of %+v", size, cap(e.Details.Headers), e)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var e Entry
	args := words("orders MAXLEN ~ 1000 1700000000000-* value v key k traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 empty")
	args = append(args, []byte{})
	if n := testing.AllocsPerRun(100, func() {
		if err := e.Parse(args); err != nil {
			t.Fatal(err)
		}
		e.Release()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse: nothing panics, a record that is read has all that was given, and what cannot be one is refused.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"t * f v", "t NOMKSTREAM MAXLEN ~ 10 LIMIT 5 1-* value v key k", "t MINID = 5-5 * f v", "t 0-0 f v", "t * value a value b", "t MAXLEN", "t LIMIT 0",
	} {
		f.Add(strings.Join(strings.Fields("XADD "+line), "\xfe"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var args [][]byte
		for arg := range strings.SplitSeq(text, "\xfe") {
			args = append(args, []byte(arg))
		}
		var e Entry
		if len(args) < 5 || e.Parse(args) != nil {
			return
		}
		got := headers(e.Details.Headers)
		fields := args[len(args)-2*(len(got)/2+present(args, "key", e.Key)+present(args, "value", e.Value)):]
		for i := 0; i < len(fields); i += 2 {
			switch name, value := string(fields[i]), string(fields[i+1]); name {
			case "key":
				same(t, value, string(e.Key))
			case "value":
				same(t, value, string(e.Value))
			default:
				same(t, name, got[0])
				same(t, value, got[1])
				got = got[2:]
			}
		}
		if len(got) > 0 || e.Value == nil || e.Details.Timestamp < 0 {
			t.Errorf("%q became %+v with %q left", args, e, got)
		}
	})
}

// present is 1 if a field stands among the last arguments with this value. The value is empty without a field, too.
func present(args [][]byte, field string, value []byte) int {
	for i := len(args) - 2; i > 1 && value != nil; i -= 2 {
		if string(args[i]) == field {
			return 1
		}
	}
	return 0
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("got %q, want %q", got, want)
	}
}
