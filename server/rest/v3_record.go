package rest

import (
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// v3Formats are the types that need no schema.
var v3Formats = map[string]format{"BINARY": binaryFormat, "JSON": jsonFormat, "STRING": textFormat}

// unfit is a record of version 3 that is JSON, but not what was asked for.
func unfit(format string, values ...any) error {
	f := plain(http.StatusUnprocessableEntity, format, values...)
	f.code = codePayload
	return f
}

// v3Record reads a record of version 3. It is valid until the next.
func (b *batch) v3Record(text []byte, p *pending) (kafka.Outgoing, error) {
	out := b.to
	if !utf8.Valid(text) {
		return out, jsonscan.NotUTF8("the record")
	}
	b.begin(text)
	err := b.v3Object("a record", func(name string) error { return b.v3Field(name, &out, p) })
	return out, asPayload(err)
}

// asPayload gives version 3's code to what was found wrong by code that it shares with version 2.
func asPayload(err error) error {
	var text *jsonscan.Error
	if errors.As(err, &text) && text.Kind == jsonscan.Shape {
		return unfit("%v", err)
	}
	return err
}

// v3Object takes an object, which field takes apart: it takes the value of the member.
func (b *batch) v3Object(what string, field func(name string) error) error {
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

// v3Field takes one member of a record.
func (b *batch) v3Field(name string, out *kafka.Outgoing, p *pending) (err error) {
	switch name {
	case "partition_id":
		return b.v3Partition(out)
	case "headers":
		out.Headers, err = b.headers()
	case "key":
		out.Key, p.key, err = b.v3Data(name)
	case "value":
		out.Value, p.value, err = b.v3Data(name)
	case "timestamp":
		out.Timestamp, err = b.v3Timestamp()
	default:
		return unfit("Unrecognized field: %s", name)
	}
	return err
}

func (b *batch) v3Partition(out *kafka.Outgoing) error {
	raw, err := b.Value()
	if err != nil || jsonscan.IsNull(raw) {
		return err
	}
	n, err := jsonscan.Number("partition_id", raw, 31)
	out.Partition = int32(n) //nolint:gosec // at most 31 bits
	return err
}

func (b *batch) v3Timestamp() (int64, error) {
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

// v3Data takes a key or a value: {"type":"JSON","data":1}, its members in any order, or null.
func (b *batch) v3Data(name string) ([]byte, embedded, error) {
	if b.Peek() == 'n' {
		_, err := b.Value()
		return nil, embedded{}, err
	}
	kind, data := "", []byte("null")
	err := b.v3Object("\""+name+"\"", func(member string) error {
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
		return nil, embedded{}, err
	}
	return b.v3Content(name, kind, data)
}

func (b *batch) v3Content(name, kind string, data []byte) ([]byte, embedded, error) {
	f, known := v3Formats[kind]
	switch {
	case kind == "" && jsonscan.IsNull(data):
		return nil, embedded{}, nil
	case kind == "":
		return nil, embedded{}, unfit("%q has no \"type\": BINARY, JSON or STRING", name)
	case !known:
		return nil, embedded{}, unfit("%q is of type %s, which is not supported: BINARY, JSON and STRING are", name, shortened(kind))
	}
	b.format = f
	bytes, err := b.content(name, data)
	return bytes, embedded{kind, len(bytes)}, err
}
