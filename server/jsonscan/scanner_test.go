package jsonscan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// accepts reports whether the scanner takes the text as one value.
func accepts(text []byte) bool {
	s := New(text)
	_, err := s.Value()
	return err == nil && s.End() == nil
}

func TestTheScannerAgreesWithGo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, ` `, `1`, `-`, `-0`, `-1.5e+3`, `1.`, `.5`, `1e`, `01`, `"`, `"a`, `"\`, `"\u12`, `"\u123g"`, `"\uD800"`, `"\x"`, "\"\t\"",
		`{}`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `[]`, `[`, `[1,]`, `[,]`, `[1 2]`, `[[]]`, `nul`, `null`, `nullx`, `true`,
		`false`, ` [ 1 , { "a" : [ ] } ] `, "\u00a0", "1\x00", `[}`, `{]`, `{"a":1]`,
	} {
		if got, want := accepts([]byte(text)), json.Valid([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if !accepts(nested(maxDepth)) || accepts(nested(maxDepth+1)) {
		t.Error("not where it should be")
	}
}

func TestWalksSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	kind := func(err error) Kind {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
		return e.Kind
	}
	field := func(string, []byte) error { return nil }
	for text, want := range map[string]Kind{`{"a":}`: Syntax, `[]`: Shape, `{} x`: Syntax, "\xff": Syntax} {
		if err := EachField([]byte(text), "the body", field); kind(err) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	n := 0
	count := func([]byte) error { n++; return nil }
	if err := EachElement([]byte(`[1,2,3]`), "list", 2, count); kind(err) != TooMany || n != 2 {
		t.Errorf("%d elements, %v", n, err)
	}
	if err := EachElement([]byte(`null`), "list", 2, count); err != nil || n != 2 {
		t.Errorf("null: %d elements, %v", n, err)
	}
}
