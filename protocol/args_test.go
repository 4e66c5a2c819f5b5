package protocol

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseProduceKey(t *testing.T) {
	for _, c := range []struct {
		arg, topic, key string
		keyed           bool
	}{
		{"topics:greetings", "greetings", "", false},
		{"topics:greetings:k", "greetings", "k", true},
		{"topics:greetings:", "greetings", "", true},
		{"topics:greetings:a:b\x00:", "greetings", "a:b\x00:", true},
		{"topics:a.b_c-1", "a.b_c-1", "", false},
	} {
		topic, key, err := ParseProduceKey([]byte(c.arg))
		if err != nil || string(topic) != c.topic || string(key) != c.key || (key != nil) != c.keyed {
			t.Errorf("%q: %q, %q, %v", c.arg, topic, key, err)
		}
	}
	for _, arg := range []string{
		"", "topics", "topics:", "topics::k", "Topics:a", "topic:a", "topics:.", "topics:..", "topics:a b", "topics:a,b", "topics:^a",
		"topics:é", "topics:a\x00", "topics:" + strings.Repeat("a", 250), "greetings", strings.Repeat("x", 1<<20),
	} {
		_, _, err := ParseProduceKey([]byte(arg))
		mustRefuse(t, arg, err)
	}
}

// mustRefuse fails without an error, and with one that would carry a stranger's bytes to a log unchecked.
func mustRefuse(t *testing.T, arg string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%.60q was taken", arg)
		return
	}
	if len(err.Error()) > MaxErrorText {
		t.Errorf("%.60q: an error of %d bytes", arg, len(err.Error()))
	}
	for _, c := range []byte(err.Error()) {
		if c < ' ' || c > '~' {
			t.Errorf("%.60q: %q is not printable", arg, err)
			return
		}
	}
}

func TestParseConsumeKey(t *testing.T) {
	for _, c := range []struct {
		arg       string
		topics    []string
		overrides string
	}{
		{"topics:a", []string{"a"}, ""},
		{"topics:a,b,a", []string{"a", "b", "a"}, ""},
		{"topics:^a.*[0-9]$,b", []string{"^a.*[0-9]$", "b"}, ""},
		{`topics:a,b:{"a":"x:y,z","b":1}`, []string{"a", "b"}, `{"a":"x:y,z","b":1}`},
		{"topics:a:", []string{"a"}, ""},
	} {
		topics, overrides, err := ParseConsumeKey([]byte(c.arg))
		if diff := cmp.Diff(c.topics, topics); err != nil || diff != "" || string(overrides) != c.overrides {
			t.Errorf("%q: %q, %v\n%s", c.arg, overrides, err, diff)
		}
		if (overrides != nil) != (c.overrides != "") {
			t.Errorf("%q: overrides are %#v", c.arg, overrides)
		}
	}
	for _, arg := range []string{
		"", "topics:", "topics:,", "topics:a,", "topics:,a", "topics:a,,b", "topics::{}", "topics:a b", "topics:^", "topics:a^",
		"topics:^" + strings.Repeat("a", 1000), "topics:^a\x00", "topics:" + strings.Repeat("a,", 1<<19), "BLPOP",
	} {
		_, _, err := ParseConsumeKey([]byte(arg))
		mustRefuse(t, arg, err)
	}
}

func TestParseRecordID(t *testing.T) {
	for _, c := range []struct {
		arg       string
		partition int32
		offset    int64
	}{
		{"a.b-c_d:0:0", 0, 0},
		{"a.b-c_d:2147483647:9223372036854775807", 1<<31 - 1, 1<<63 - 1},
		{"a.b-c_d:12:345", 12, 345},
	} {
		id, err := ParseRecordID([]byte(c.arg))
		if err != nil || string(id.Topic) != "a.b-c_d" || id.Partition != c.partition || id.Offset != c.offset {
			t.Errorf("%q: %+v, %v", c.arg, id, err)
		}
	}
	for _, arg := range []string{
		"", "a", "a:0", "a:0:", "a::0", ":0:0", "a:0:0:0", "a:b:0:0", "a:-1:0", "a:0:-1", "a:-0:0", "a:2147483648:0",
		"a:0:9223372036854775808", "a:+1:0", "a:01:0", "a:0:00", "a: 0:0", "a:0:0 ", "a:0:0\n", "a:x:y", "a b:0:0", "..:0:0",
		"a:4294967296:0", "a:0:18446744073709551616", strings.Repeat("a", 250) + ":0:0", "\xff:0:0",
	} {
		_, err := ParseRecordID([]byte(arg))
		mustRefuse(t, arg, err)
	}
}

func TestParseTimeout(t *testing.T) {
	for arg, want := range map[string]time.Duration{
		"1": time.Second, "1.0": time.Second, "0.05": 50 * time.Millisecond, ".5": time.Second / 2, "1.": time.Second, "+1": time.Second,
		"01": time.Second, "1e1": 10 * time.Second, "0.0000000001": 1, "2147483647": 2147483647 * time.Second,
		"2147483648": 2147483648 * time.Second, "9000000000": maxWait, "1e15": maxWait,
		"0": 0, "0.0": 0, "-0": 0,
	} {
		wait, forever, err := ParseTimeout([]byte(arg))
		if err != nil || wait != want || forever != (want == 0) {
			t.Errorf("%q: %v, %v, %v", arg, wait, forever, err)
		}
	}
	for arg, want := range map[string]error{
		"": ErrTimeout, "abc": ErrTimeout, "nan": ErrTimeout, "inf": ErrTimeout, "-inf": ErrTimeout, "0x10": ErrTimeout, "1_0": ErrTimeout,
		" 1": ErrTimeout, "1 ": ErrTimeout, "1e999": ErrTimeout, "1e300": ErrTimeout, "9223372036854775807": ErrTimeout, ".": ErrTimeout,
		"1\x00": ErrTimeout, strings.Repeat("1", 1<<20): ErrTimeout, "-1": ErrNegativeTimeout, "-0.001": ErrNegativeTimeout,
	} {
		if _, _, err := ParseTimeout([]byte(arg)); !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", arg, err, want)
		}
	}
}

func TestParseMillis(t *testing.T) {
	for arg, want := range map[string]time.Duration{
		"0": 0, "1": time.Millisecond, "30000": 30 * time.Second, "9223372036854775807": maxWait,
	} {
		if got, err := ParseMillis([]byte(arg)); err != nil || got != want {
			t.Errorf("%q: %v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"", "abc", "-1", "1.5", "+1", "9223372036854775808", "1e3", " 1"} {
		if _, err := ParseMillis([]byte(arg)); !errors.Is(err, ErrMillis) {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

func TestParsersDoNotAllocate(t *testing.T) {
	key, id, seconds := []byte("topics:greetings:k"), []byte("greetings:3:1234567890"), []byte("1.5")
	allocs := testing.AllocsPerRun(100, func() {
		_, _, err1 := ParseProduceKey(key)
		_, err2 := ParseRecordID(id)
		_, _, err3 := ParseTimeout(seconds)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
