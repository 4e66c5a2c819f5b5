package rest

import (
	"bytes"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// ndjson is the dialect in which every line is a record, and every line of the answer a result.
type ndjson struct{ batch }

func (*ndjson) kind() string { return ndjsonType }

func (*ndjson) none() error { return nil }

func (*ndjson) whole(unread []byte) int { return bytes.LastIndexByte(unread, '\n') + 1 }

func (*ndjson) cut(chunk []byte) (text, rest []byte, err error) {
	text, rest, _ = bytes.Cut(chunk, []byte{'\n'})
	if len(bytes.TrimSpace(text)) == 0 {
		text = nil
	}
	return text, rest, nil
}

func (d *ndjson) read(text []byte, _ *pending) (kafka.Outgoing, error) { return d.one(text) }

func (*ndjson) tell(out []byte, p *pending, r *kafka.Result) []byte {
	out = append(out, `{"line":`...)
	out = strconv.AppendInt(out, p.line, 10)
	return append(appendPlace(out, r), '\n')
}

func (*ndjson) tellFailure(out []byte, p *pending, f *failure) []byte {
	out = append(out, '{')
	if p != nil {
		out = append(out, `"line":`...)
		out = append(strconv.AppendInt(out, p.line, 10), ',')
	}
	return append(appendProblem(out, f), "}\n"...)
}
