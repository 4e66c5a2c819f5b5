package v1

import (
	"bytes"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// ndjsonCodec has a record in every line, and a result in every line of the answer.
type ndjsonCodec struct{ recordjson.Parser }

// ContentType is NDJSON.
func (*ndjsonCodec) ContentType() string { return exchange.NDJSONType }

// Empty allows a body without a line.
func (*ndjsonCodec) Empty() error { return nil }

// Whole ends with the last line feed.
func (*ndjsonCodec) Whole(unread []byte) int { return bytes.LastIndexByte(unread, '\n') + 1 }

// Cut returns the first line. An empty line is no record.
func (*ndjsonCodec) Cut(chunk []byte) (text, rest []byte, err error) {
	text, rest, _ = bytes.Cut(chunk, []byte{'\n'})
	if len(bytes.TrimSpace(text)) == 0 {
		text = nil
	}
	return text, rest, nil
}

// Read reads a line.
func (d *ndjsonCodec) Read(text []byte, _ *produce.Pending) (kafka.Outgoing, error) {
	return d.ReadOne(text)
}

// AppendResult appends a line with the position of a record.
func (*ndjsonCodec) AppendResult(out []byte, p *produce.Pending, r *kafka.Result) []byte {
	out = append(out, `{"line":`...)
	out = strconv.AppendInt(out, p.Line, 10)
	return append(produce.AppendPosition(out, r), '\n')
}

// AppendFailure appends a line with a failure.
func (*ndjsonCodec) AppendFailure(out []byte, p *produce.Pending, f *exchange.Failure) []byte {
	out = append(out, '{')
	if p != nil {
		out = append(out, `"line":`...)
		out = append(strconv.AppendInt(out, p.Line, 10), ',')
	}
	return append(produce.AppendProblem(out, f), "}\n"...)
}
