package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
)

// accepts tells whether the scanner takes the text as one value.
func accepts(text []byte) bool {
	s := scanner{text: text}
	_, err := s.value()
	return err == nil && s.end() == nil
}

func TestTheScannerAgreesWithGo(t *testing.T) {
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
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if !accepts(nested(maxDepth)) || accepts(nested(maxDepth+1)) {
		t.Error("not where it should be")
	}
}

// readAll reads a body as a produce does.
func readAll(body []byte, f format) (*batch, error) {
	b := &batch{most: 1000, format: f, to: kafka.Outgoing{Topic: "t", Partition: kafka.AnyPartition}}
	return b, b.read(body)
}

// FuzzProduceBody compares with what Go's own JSON makes of the same bytes.
func FuzzProduceBody(f *testing.F) {
	for _, seed := range []string{
		`{"records":[{"key":"c","value":{"sku":9}},{"value":null,"partition":3}]}`,
		`{"records":[{"value":"AAEC","timestamp":1,"headers":[{"key":"a","value":"YWJj"}]}]}`,
		`{"records":[{"value":"\u0041"}],"key_schema":"x"}`, `{"records":[{}]}`, `[`, `{"records":[{"value":1}`, `{"records":{}}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, binary bool) {
		as := jsonFormat
		if binary {
			as = binaryFormat
		}
		b, err := readAll(bytes.Clone(body), as)
		if err != nil {
			if status := asFailure(err).status; status != 400 && status != 413 && status != 422 {
				t.Fatalf("%v is answered %d", err, status)
			}
			return
		}
		var want struct {
			Records []map[string]json.RawMessage `json:"records"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			if strings.Contains(string(body), `"records"`) && !strings.Contains(err.Error(), "depth") {
				t.Fatalf("taken, but Go says %v", err)
			}
			return
		}
		if !utf8.Valid(body) {
			t.Fatal("taken, but not UTF-8")
		}
		if strings.Count(strings.ToLower(string(body)), "records") > 1 || strings.Contains(string(body), `\`) {
			return // Go takes names in any case, and appends to lists
		}
		if len(b.records) != len(want.Records) {
			t.Fatalf("%d records, want %d", len(b.records), len(want.Records))
		}
		for i, r := range want.Records {
			if got := b.records[i].Value; !same(got, r["value"], as) {
				t.Fatalf("value %q, want %q", got, r["value"])
			}
		}
	})
}

// same compares a value with the JSON that it came from.
func same(got []byte, raw json.RawMessage, f format) bool {
	if raw == nil || string(raw) == "null" {
		return got == nil
	}
	if f == jsonFormat {
		return bytes.Equal(got, raw)
	}
	var text string
	decoded, err := []byte(nil), json.Unmarshal(raw, &text)
	if err == nil {
		decoded, err = base64.StdEncoding.DecodeString(text)
	}
	return err == nil && bytes.Equal(got, decoded)
}

func BenchmarkProduceBody(b *testing.B) {
	body := []byte(`{"records":[` + strings.Repeat(`{"key":"c-17","value":{"sku":9,"qty":2,"note":"some text of a usual length"}},`, 99) + `{"value":1}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readAll(body, jsonFormat); err != nil {
			b.Fatal(err)
		}
	}
}
