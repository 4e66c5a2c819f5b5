package v1

import (
	"bytes"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// ndjsonCodec is the dialect in which every line is a record, and every line of the answer a result.
type ndjsonCodec struct{ recordjson.Parser }

func (*ndjsonCodec) ContentType() string { return exchange.NDJSONType }

func (*ndjsonCodec) Empty() error { return nil }

func (*ndjsonCodec) Whole(unread []byte) int { return bytes.LastIndexByte(unread, '\n') + 1 }

func (*ndjsonCodec) Cut(chunk []byte) (text, rest []byte, err error) {
	text, rest, _ = bytes.Cut(chunk, []byte{'\n'})
	if len(bytes.TrimSpace(text)) == 0 {
		text = nil
	}
	return text, rest, nil
}

func (d *ndjsonCodec) Read(text []byte, _ *produce.Pending) (kafka.Outgoing, error) {
	return d.ReadOne(text)
}

func (*ndjsonCodec) AppendResult(out []byte, p *produce.Pending, r *kafka.Result) []byte {
	out = append(out, `{"line":`...)
	out = strconv.AppendInt(out, p.Line, 10)
	return append(produce.AppendPosition(out, r), '\n')
}

func (*ndjsonCodec) AppendFailure(out []byte, p *produce.Pending, f *exchange.Failure) []byte {
	out = append(out, '{')
	if p != nil {
		out = append(out, `"line":`...)
		out = append(strconv.AppendInt(out, p.Line, 10), ',')
	}
	return append(produce.AppendProblem(out, f), "}\n"...)
}
