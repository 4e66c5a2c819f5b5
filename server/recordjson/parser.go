package recordjson

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// Parser reads the records of a body. The records share the body's memory.
type Parser struct {
	jsonscan.Scanner

	Format  Format
	NameKey string         // what the name of a header is called; empty is "key"
	Lent    bool           // records may have the members that lent records have
	Valued  bool           // records must have a value, which may be null
	Most    int            // records
	To      kafka.Outgoing // what all records share: the topic, and the partition if the path names one
	Records []kafka.Outgoing
	decoded []byte // decoded base64; it never grows, so records can share it
}

// ErrNoRecords says that a body has no records.
var ErrNoRecords = jsonscan.Mismatch("\"records\" is missing or empty")

// Read reads {"records":[...]}.
func (b *Parser) Read(body []byte) error {
	if !utf8.Valid(body) {
		return jsonscan.NotUTF8("the body")
	}
	b.Scanner = jsonscan.New(body)
	if b.Peek() != '{' {
		return b.Unexpected("expected an object with \"records\"")
	}
	more, err := b.Enter('{')
	for more && err == nil {
		if err = b.readField(); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	if err == nil {
		err = b.End()
	}
	if err == nil && len(b.Records) == 0 {
		return ErrNoRecords
	}
	return err
}

// ReadOne reads a text that is one record. The record is valid until the next call.
func (b *Parser) ReadOne(text []byte) (kafka.Outgoing, error) {
	out := b.To
	if !utf8.Valid(text) {
		return out, jsonscan.NotUTF8("the line")
	}
	b.Begin(text)
	err := b.readRecord(&out)
	if err == nil {
		err = b.End()
	}
	return out, err
}

// Begin starts with the text of another record. Records that were read before are not valid any more.
func (b *Parser) Begin(text []byte) {
	b.Scanner = jsonscan.New(text)
	if cap(b.decoded) < len(text) {
		b.decoded = make([]byte, 0, len(text))
	}
	b.decoded = b.decoded[:0]
}

// readField reads one member of the body. Schemas belong to formats that are not supported; they are ignored.
func (b *Parser) readField() error {
	name, err := b.Name()
	if err != nil {
		return err
	}
	switch string(name) {
	case "records":
		return b.readRecords()
	case "key_schema", "key_schema_id", "value_schema", "value_schema_id":
		_, err = b.Value()
		return err
	}
	return jsonscan.Mismatch("Unrecognized field: %s", name)
}

func (b *Parser) readRecords() error {
	if b.Peek() != '[' {
		return b.Unexpected("\"records\" is not a list")
	}
	b.Records = b.Records[:0] // if the name is given twice, the last list counts
	more, err := b.Enter('[')
	for more && err == nil {
		if len(b.Records) == b.Most {
			return jsonscan.Excess("more than %d records in a request", b.Most)
		}
		b.Records = append(b.Records, b.To)
		if err = b.readRecord(&b.Records[len(b.Records)-1]); err != nil {
			break
		}
		more, err = b.Next('[')
	}
	return err
}

// rawContents are a record's key and value as they came, and their encodings where the record says them.
type rawContents struct{ key, value, keyIs, valueIs []byte }

// readRecord reads one record.
func (b *Parser) readRecord(out *kafka.Outgoing) error {
	if b.Peek() != '{' {
		return b.Unexpected("a record is not an object")
	}
	var c rawContents
	more, err := b.Enter('{')
	for more && err == nil {
		if err = b.readRecordField(out, &c); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	if err == nil && b.Valued && c.value == nil {
		err = jsonscan.Mismatch("\"value\" of a record is missing; for a tombstone it is null")
	}
	if err == nil {
		out.Key, err = b.encoded("key", c.key, c.keyIs)
	}
	if err == nil {
		out.Value, err = b.encoded("value", c.value, c.valueIs)
	}
	return err
}

func (b *Parser) readRecordField(out *kafka.Outgoing, c *rawContents) error {
	name, err := b.Name()
	if err != nil {
		return err
	}
	if string(name) == "headers" {
		out.Headers, err = b.Headers()
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
		err = b.readPartition(out, raw)
	case "timestamp":
		if !jsonscan.IsNull(raw) {
			out.Timestamp, err = jsonscan.Number("timestamp", raw, 63)
		}
	default:
		if !b.Lent || !ofLent[string(name)] {
			err = jsonscan.Mismatch("Unrecognized field: %s", name)
		}
	}
	return err
}

// ofLent are further members of a record that was lent: its position and its lease.
var ofLent = map[string]bool{"topic": true, "offset": true, "delivery": true, "lease": true}

// encodings are what the encoding of a key or a value may be if it is not the format's own: see appendContent.
var encodings = map[string]Format{`"text"`: Text, `"base64"`: Binary}

// encoded returns a key or a value as Kafka gets it. It reads whatever appendContent writes.
func (b *Parser) encoded(name string, raw, as []byte) ([]byte, error) {
	if raw == nil || as == nil || jsonscan.IsNull(as) {
		return b.Content(name, raw)
	}
	f, known := encodings[string(as)]
	if !known {
		return nil, jsonscan.Mismatch("\"%s_encoding\" is neither text nor base64", name)
	}
	defer func(was Format) { b.Format = was }(b.Format)
	b.Format = f
	return b.Content(name, raw)
}

// Content returns a key or a value as Kafka gets it.
func (b *Parser) Content(name string, raw []byte) ([]byte, error) {
	switch {
	case raw == nil || jsonscan.IsNull(raw):
		return nil, nil
	case b.Format == JSON:
		return raw, nil
	case b.Format == Text && raw[0] == '"' && jsonscan.Unpaired(raw):
		return nil, jsonscan.Mismatch("%q has half of a surrogate pair, which is no character", name)
	case b.Format == Text && raw[0] == '"':
		return jsonscan.Unquote(raw), nil
	case b.Format == Text:
		return nil, jsonscan.Mismatch("%q is not a string", name)
	}
	return b.decodeBase64(name, raw)
}

func (b *Parser) decodeBase64(name string, raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return nil, jsonscan.Mismatch("%q is not a string of base64", name)
	}
	if b.decoded == nil { // base64 is a third longer than its bytes
		b.decoded = make([]byte, 0, b.Len())
	}
	from := len(b.decoded)
	text, encoding := jsonscan.Unquote(raw), base64.RawStdEncoding
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = base64.StdEncoding
	}
	decoded, err := encoding.AppendDecode(b.decoded, text)
	if err != nil {
		return nil, jsonscan.Mismatch("%q is not base64: %v", name, err)
	}
	b.decoded = decoded
	return decoded[from:len(decoded):len(decoded)], nil
}

func (b *Parser) readPartition(out *kafka.Outgoing, raw []byte) error {
	if jsonscan.IsNull(raw) {
		return nil
	}
	n, err := jsonscan.Number("partition", raw, 31)
	if err != nil {
		return err
	}
	switch {
	case b.To.Partition == kafka.AnyPartition:
	case !b.Lent: // as in other servers of REST v2, even if it is the same
		return jsonscan.Mismatch("\"partition\" of a record: the path has one, so leave this one out")
	case b.To.Partition != int32(n):
		return jsonscan.Mismatch("\"partition\" of a record is %d, and the request says %d", n, b.To.Partition)
	}
	out.Partition = int32(n)
	return nil
}
