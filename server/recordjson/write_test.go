package recordjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestRecordsAsV2HasThem(t *testing.T) {
	t.Parallel()
	at := kafka.TopicPartition{Topic: "orders", Partition: 2}
	for _, c := range []struct {
		name   string
		format Format
		record kafka.Record
		want   string
	}{
		{
			"json", JSON,
			kafka.Record{Key: []byte(`"c-17"`), Value: []byte(`{"sku":9}`), Timestamp: 1790000000000},
			`{"topic":"orders","key":"c-17","value":{"sku":9},"partition":2,"offset":7,"timestamp":1790000000000}`,
		},
		{
			"binary", Binary,
			kafka.Record{Key: []byte("id-1"), Value: []byte{0, 1, 2}, Timestamp: 1},
			`{"topic":"orders","key":"aWQtMQ==","value":"AAEC","partition":2,"offset":7,"timestamp":1}`,
		},
		{
			"text", Text,
			kafka.Record{Key: []byte("k"), Value: []byte("say \"é\"\n"), Timestamp: 1},
			`{"topic":"orders","key":"k","value":"say \"é\"\u000a","partition":2,"offset":7,"timestamp":1}`,
		},
		{
			"tombstone, no timestamp", JSON,
			kafka.Record{Timestamp: -1},
			`{"topic":"orders","key":null,"value":null,"partition":2,"offset":7}`,
		},
		{
			"headers", Binary,
			kafka.Record{Timestamp: -1, Headers: []kafka.Header{{Name: `a"`, Value: []byte("abc")}, {Name: "a", Value: nil}}},
			`{"topic":"orders","key":null,"value":null,"partition":2,"offset":7,` +
				`"headers":[{"key":"a\"","value":"YWJj"},{"key":"a","value":null}]}`,
		},
		{
			"no JSON but text", JSON,
			kafka.Record{Key: []byte("c-17"), Value: []byte(`{"sku":`), Timestamp: -1},
			`{"topic":"orders","key":"c-17","value":"{\"sku\":","partition":2,"offset":7,"key_encoding":"text","value_encoding":"text"}`,
		},
		{
			"neither JSON nor text", JSON,
			kafka.Record{Key: []byte("\xff"), Value: []byte{}, Timestamp: -1},
			`{"topic":"orders","key":"/w==","value":"","partition":2,"offset":7,"key_encoding":"base64","value_encoding":"text"}`,
		},
		{
			"no text", Text,
			kafka.Record{Value: []byte("\xff"), Timestamp: -1},
			`{"topic":"orders","key":null,"value":"/w==","partition":2,"offset":7,"value_encoding":"base64"}`,
		},
		{
			"JSON of several lines", JSON,
			kafka.Record{Value: []byte("{\r\n \"a\": \"b\\n\"\n}"), Timestamp: -1},
			`{"topic":"orders","key":null,"value":{   "a": "b\n" },"partition":2,"offset":7}`,
		},
	} {
		c.record.TopicPartition, c.record.Offset = at, 7
		if diff := cmp.Diff(c.want, string(AppendRecord(nil, c.format, &c.record))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestARecordIsWrittenWithoutGarbage(t *testing.T) {
	r := kafka.Record{Key: []byte(`"k"`), Value: []byte(`{"a":[1,2.5,"\u00e9"]}`), Headers: []kafka.Header{{Name: "n", Value: []byte("v")}}}
	out := make([]byte, 0, 1024)
	for _, f := range []Format{JSON, Binary, Text} {
		if n := testing.AllocsPerRun(100, func() { AppendRecord(out, f, &r) }); n != 0 {
			t.Errorf("format %d: %v allocations", f, n)
		}
	}
}

// FuzzRecord writes what anybody may have put into Kafka: it must be one line of JSON, and say what was there.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "trace", 0)
	f.Add([]byte("\xed\xa0\x80\xff\u2028\x00"), "\xc3\x28", 1)
	f.Add([]byte("1 2"), "", 2)
	f.Add([]byte("-"), "", 0)
	f.Fuzz(func(t *testing.T, content []byte, header string, as int) {
		if content == nil {
			content = []byte{}
		}
		how := []Format{JSON, Binary, Text}[uint(as)%3]
		r := kafka.Record{Value: content, Headers: []kafka.Header{{Name: header, Value: content}}}
		out := AppendRecord(nil, how, &r)
		if !json.Valid(out) || !utf8.Valid(out) || bytes.ContainsAny(out, "\r\n") {
			t.Fatalf("%q", out)
		}
		var got struct {
			Value    json.RawMessage `json:"value"`
			Encoding encoding        `json:"value_encoding"`
			Headers  []struct {
				Value []byte `json:"value"`
			} `json:"headers"`
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if back := decoded(t, how, got.Encoding, got.Value, content); !bytes.Equal(back, content) || !bytes.Equal(got.Headers[0].Value, content) {
			t.Errorf("%q became %q in %s", content, back, out)
		}
	})
}

// decoded is what a client makes of a value.
func decoded(t *testing.T, f Format, how encoding, value json.RawMessage, content []byte) []byte {
	t.Helper()
	if f == JSON && how == asAsked {
		if !json.Valid(content) {
			t.Fatalf("%q is not JSON", content)
		}
		return content
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		t.Fatal(err)
	}
	if f == Binary || how == asBase64 {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return []byte(text)
}
