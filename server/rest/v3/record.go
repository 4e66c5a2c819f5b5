package v3

import (
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// formats are the types that need no schema.
var formats = map[string]recordjson.Format{"BINARY": recordjson.Binary, "JSON": recordjson.JSON, "STRING": recordjson.Text}

// unfit is the answer for a record that is JSON, but not as version 3 has it.
func unfit(format string, values ...any) error {
	f := exchange.Errorf(http.StatusUnprocessableEntity, format, values...)
	f.Code = codePayload
	return f
}

// readRecord reads a record. It is valid until the next call.
func readRecord(b *recordjson.Parser, text []byte, p *produce.Pending) (kafka.Outgoing, error) {
	out := b.To
	if !utf8.Valid(text) {
		return out, jsonscan.NotUTF8("the record")
	}
	b.Begin(text)
	err := readObject(b, "a record", func(name string) error { return readField(b, name, &out, p) })
	return out, asPayload(err)
}

// asPayload gives version 3's code to mistakes that package recordjson found.
func asPayload(err error) error {
	var text *jsonscan.Error
	if errors.As(err, &text) && text.Kind == jsonscan.Shape {
		return unfit("%v", err)
	}
	return err
}

// readObject reads an object. It calls field with each name; field reads the value.
func readObject(b *recordjson.Parser, what string, field func(name string) error) error {
	if b.Peek() != '{' {
		return b.Unexpected("%s is not an object", what)
	}
	more, err := b.Enter('{')
	for more && err == nil {
		var name []byte
		if name, err = b.Name(); err != nil {
			break
		}
		if err = field(string(name)); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	return err
}

// readField reads one member of a record.
func readField(b *recordjson.Parser, name string, out *kafka.Outgoing, p *produce.Pending) (err error) {
	switch name {
	case "partition_id":
		return readPartition(b, out)
	case "headers":
		out.Headers, err = b.Headers()
	case "key":
		out.Key, p.Key, err = readData(b, name)
	case "value":
		out.Value, p.Value, err = readData(b, name)
	case "timestamp":
		out.Timestamp, err = readTimestamp(b)
	default:
		return unfit("Unrecognized field: %s", name)
	}
	return err
}

func readPartition(b *recordjson.Parser, out *kafka.Outgoing) error {
	raw, err := b.Value()
	if err != nil || jsonscan.IsNull(raw) {
		return err
	}
	n, err := jsonscan.Number("partition_id", raw, 31)
	out.Partition = int32(n) //nolint:gosec // at most 31 bits
	return err
}

func readTimestamp(b *recordjson.Parser) (int64, error) {
	raw, err := b.Value()
	if err != nil || jsonscan.IsNull(raw) {
		return 0, err
	}
	if raw[0] != '"' {
		return 0, unfit("\"timestamp\" is not a string")
	}
	at, err := time.Parse(time.RFC3339, string(jsonscan.Unquote(raw)))
	if err != nil || at.UnixMilli() < 0 {
		return 0, unfit("\"timestamp\" is not a date and time from 1970 on, as 2026-01-31T23:59:59.999Z")
	}
	return at.UnixMilli(), nil
}

// readData reads a key or a value: {"type":"JSON","data":1}, its members in any order, or null.
func readData(b *recordjson.Parser, name string) ([]byte, produce.Data, error) {
	if b.Peek() == 'n' {
		_, err := b.Value()
		return nil, produce.Data{}, err
	}
	kind, data := "", []byte("null")
	err := readObject(b, "\""+name+"\"", func(member string) error {
		raw, err := b.Value()
		switch {
		case err != nil:
		case member == "type" && raw[0] == '"':
			kind = string(jsonscan.Unquote(raw))
		case member == "data":
			data = raw
		case member == "type":
			err = unfit("\"type\" is not a string")
		default:
			err = unfit("%q of %q is not supported: sluice has no schemas", member, name)
		}
		return err
	})
	if err != nil {
		return nil, produce.Data{}, err
	}
	return readContent(b, name, kind, data)
}

// readContent returns a key or a value as Kafka gets it.
func readContent(b *recordjson.Parser, name, kind string, data []byte) ([]byte, produce.Data, error) {
	f, known := formats[kind]
	switch {
	case kind == "" && jsonscan.IsNull(data):
		return nil, produce.Data{}, nil
	case kind == "":
		return nil, produce.Data{}, unfit("%q has no \"type\": BINARY, JSON or STRING", name)
	case !known:
		return nil, produce.Data{}, unfit("%q is of type %s, which is not supported: BINARY, JSON and STRING are", name, exchange.Shortened(kind))
	}
	b.Format = f
	bytes, err := b.Content(name, data)
	return bytes, produce.Data{Kind: kind, Size: len(bytes)}, err
}
