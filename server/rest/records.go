package rest

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// batch reads the records of a body. Its records share the body's memory.
type batch struct {
	jsonscan.Scanner

	format  format
	nameKey string         // what the name of a header is called; empty is "key"
	lent    bool           // records may have the members of lent records
	most    int            // records
	to      kafka.Outgoing // what every record begins as: topic, and partition where the path names one
	records []kafka.Outgoing
	decoded []byte // base64 goes here; what is in it already stays where it is
}

// read takes {"records":[...]}.
func (b *batch) read(body []byte) error {
	if !utf8.Valid(body) {
		return jsonscan.NotUTF8("the body")
	}
	b.Scanner = jsonscan.New(body)
	if b.Peek() != '{' {
		return b.Unexpected("expected an object with \"records\"")
	}
	more, err := b.Enter('{')
	for more && err == nil {
		if err = b.part(); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	if err == nil {
		err = b.End()
	}
	if err == nil && len(b.records) == 0 {
		return jsonscan.Mismatch("\"records\" is missing or empty")
	}
	return err
}

// one takes a text that is a record by itself. It is valid until the next.
func (b *batch) one(text []byte) (kafka.Outgoing, error) {
	out := b.to
	if !utf8.Valid(text) {
		return out, jsonscan.NotUTF8("the line")
	}
	b.begin(text)
	err := b.record(&out)
	if err == nil {
		err = b.End()
	}
	return out, err
}

// begin starts with the text of another record. Records that were read before are not valid any more.
func (b *batch) begin(text []byte) {
	b.Scanner = jsonscan.New(text)
	if cap(b.decoded) < len(text) {
		b.decoded = make([]byte, 0, len(text))
	}
	b.decoded = b.decoded[:0]
}

// part takes one member of the body. Schemas belong to formats that are not taken here: nothing to do.
func (b *batch) part() error {
	name, err := b.Name()
	if err != nil {
		return err
	}
	switch string(name) {
	case "records":
		return b.list()
	case "key_schema", "key_schema_id", "value_schema", "value_schema_id":
		_, err = b.Value()
		return err
	}
	return jsonscan.Mismatch("Unrecognized field: %s", name)
}

func (b *batch) list() error {
	if b.Peek() != '[' {
		return b.Unexpected("\"records\" is not a list")
	}
	b.records = b.records[:0] // of a name that is given twice the last one counts
	more, err := b.Enter('[')
	for more && err == nil {
		if len(b.records) == b.most {
			return jsonscan.Excess("more than %d records in a request", b.most)
		}
		b.records = append(b.records, b.to)
		if err = b.record(&b.records[len(b.records)-1]); err != nil {
			break
		}
		more, err = b.Next('[')
	}
	return err
}

// contents are a record's key and value as they came, and in which encoding, where that is said.
type contents struct{ key, value, keyIs, valueIs []byte }

// record takes one record.
func (b *batch) record(out *kafka.Outgoing) error {
	if b.Peek() != '{' {
		return b.Unexpected("a record is not an object")
	}
	var c contents
	more, err := b.Enter('{')
	for more && err == nil {
		if err = b.field(out, &c); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	if err == nil {
		out.Key, err = b.encoded("key", c.key, c.keyIs)
	}
	if err == nil {
		out.Value, err = b.encoded("value", c.value, c.valueIs)
	}
	return err
}

func (b *batch) field(out *kafka.Outgoing, c *contents) error {
	name, err := b.Name()
	if err != nil {
		return err
	}
	if string(name) == "headers" {
		out.Headers, err = b.headers()
		return err
	}
	raw, err := b.Value()
	if err != nil {
		return err
	}
	switch string(name) {
	case "key":
		c.key = raw
	case "value":
		c.value = raw
	case "key_encoding":
		c.keyIs = raw
	case "value_encoding":
		c.valueIs = raw
	case "partition":
		err = b.partition(out, raw)
	case "timestamp":
		if !jsonscan.IsNull(raw) {
			out.Timestamp, err = jsonscan.Number("timestamp", raw, 63)
		}
	default:
		if !b.lent || !ofLent[string(name)] {
			err = jsonscan.Mismatch("Unrecognized field: %s", name)
		}
	}
	return err
}

// ofLent are what a record has more when it was taken: where it was, and who had it.
var ofLent = map[string]bool{"topic": true, "offset": true, "delivery": true, "lease": true}

// encodings are what a key or a value may be in, when that is not the format's own: see appendContent.
var encodings = map[string]format{`"text"`: textFormat, `"base64"`: binaryFormat}

// encoded is a key or a value as Kafka is to have it: what appendContent wrote comes back.
func (b *batch) encoded(name string, raw, as []byte) ([]byte, error) {
	if raw == nil || as == nil || jsonscan.IsNull(as) {
		return b.content(name, raw)
	}
	f, known := encodings[string(as)]
	if !known {
		return nil, jsonscan.Mismatch("\"%s_encoding\" is neither text nor base64", name)
	}
	defer func(was format) { b.format = was }(b.format)
	b.format = f
	return b.content(name, raw)
}

// content is a key or a value as Kafka is to have it.
func (b *batch) content(name string, raw []byte) ([]byte, error) {
	switch {
	case raw == nil || jsonscan.IsNull(raw):
		return nil, nil
	case b.format == jsonFormat:
		return raw, nil
	case b.format == textFormat && raw[0] == '"':
		return jsonscan.Unquote(raw), nil
	case b.format == textFormat:
		return nil, jsonscan.Mismatch("%q is not a string", name)
	}
	return b.base64(name, raw)
}

func (b *batch) base64(name string, raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return nil, jsonscan.Mismatch("%q is not a string of base64", name)
	}
	if b.decoded == nil { // base64 is a third longer: this never grows
		b.decoded = make([]byte, 0, b.Len())
	}
	from := len(b.decoded)
	decoded, err := base64.StdEncoding.AppendDecode(b.decoded, jsonscan.Unquote(raw))
	if err != nil {
		return nil, jsonscan.Mismatch("%q is not base64: %v", name, err)
	}
	b.decoded = decoded
	return decoded[from:len(decoded):len(decoded)], nil
}

func (b *batch) partition(out *kafka.Outgoing, raw []byte) error {
	if jsonscan.IsNull(raw) {
		return nil
	}
	n, err := jsonscan.Number("partition", raw, 31)
	if err != nil {
		return err
	}
	if b.to.Partition != kafka.AnyPartition && b.to.Partition != int32(n) {
		return jsonscan.Mismatch("\"partition\" of a record is not the one in the path")
	}
	out.Partition = int32(n)
	return nil
}
