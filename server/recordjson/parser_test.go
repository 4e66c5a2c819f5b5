package recordjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// readAll reads a body as a produce does.
func readAll(body []byte, f Format) (*Parser, error) {
	b := &Parser{Most: 1000, Format: f, To: kafka.Outgoing{Topic: "t", Partition: kafka.AnyPartition}}
	return b, b.Read(body)
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
		as := JSON
		if binary {
			as = Binary
		}
		b, err := readAll(bytes.Clone(body), as)
		if err != nil {
			if of := (*jsonscan.Error)(nil); !errors.As(err, &of) {
				t.Fatalf("%v is no fault of the text", err)
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
		if len(b.Records) != len(want.Records) {
			t.Fatalf("%d records, want %d", len(b.Records), len(want.Records))
		}
		for i, r := range want.Records {
			if got := b.Records[i].Value; !same(got, r["value"], as) {
				t.Fatalf("value %q, want %q", got, r["value"])
			}
		}
	})
}

// same compares a value with the JSON that it came from.
func same(got []byte, raw json.RawMessage, f Format) bool {
	if raw == nil || string(raw) == "null" {
		return got == nil
	}
	if f == JSON {
		return bytes.Equal(got, raw)
	}
	var text string
	decoded, err := []byte(nil), json.Unmarshal(raw, &text)
	if err == nil {
		if decoded, err = base64.StdEncoding.DecodeString(text); err != nil {
			decoded, err = base64.RawStdEncoding.DecodeString(text)
		}
	}
	return err == nil && bytes.Equal(got, decoded)
}

// Clients of other languages leave the padding out.
func TestBase64WithAndWithoutPadding(t *testing.T) {
	for text, want := range map[string]string{"AAEC": "\x00\x01\x02", "YQ==": "a", "YQ": "a", "YWI=": "ab", "YWI": "ab", "": ""} {
		b, err := readAll([]byte(`{"records":[{"value":"`+text+`"}]}`), Binary)
		if err != nil || string(b.Records[0].Value) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"Y", "YQ=", "Y===", "=", "YQ==YQ==", "Y_Q"} {
		if _, err := readAll([]byte(`{"records":[{"value":"`+text+`"}]}`), Binary); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// Half of a surrogate pair is no character: nothing else may be stored in its place.
func TestHalfOfASurrogatePairIsRefused(t *testing.T) {
	for text, want := range map[string]string{`\u00e9`: "é", `\ud83d\ude00`: "😀", `\\ud800`: `\ud800`, `\ufffd`: "\uFFFD", `a\\`: `a\`} {
		b, err := readAll([]byte(`{"records":[{"value":"`+text+`"}]}`), Text)
		if err != nil || string(b.Records[0].Value) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{`\ud800`, `\udc00`, `\ud800\ud800`, `\ude00\ud83d`, `\ud83dx`, `\ud83d\n`, `\\\ud83d`} {
		for _, body := range []string{`{"records":[{"value":"` + text + `"}]}`, `{"records":[{"value":"x","headers":[{"key":"` + text + `","value":""}]}]}`} {
			if _, err := readAll([]byte(body), Text); err == nil || !strings.Contains(err.Error(), "half of a surrogate pair") {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

func BenchmarkProduceBody(b *testing.B) {
	body := []byte(`{"records":[` + strings.Repeat(`{"key":"c-17","value":{"sku":9,"qty":2,"note":"some text of a usual length"}},`, 99) + `{"value":1}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readAll(body, JSON); err != nil {
			b.Fatal(err)
		}
	}
}
