package v3

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// produceRecords produces the objects of the body, one or a stream of them, and writes a report for each in the same
// order. The status is 200 even if records fail, as in the Confluent REST Proxy.
func produceRecords(x *exchange.Exchange) error {
	d, err := newCodec(x)
	if err != nil {
		return err
	}
	return produce.Stream(x, d)
}

// newCodec checks a produce request, and returns the codec of its records.
func newCodec(x *exchange.Exchange) (*codec, error) {
	if err := checkJSON(x); err != nil {
		return nil, err
	}
	cluster, err := clusterInPath(x)
	if err != nil {
		return nil, err
	}
	name, err := topicInPath(x)
	if err != nil {
		return nil, err
	}
	d := &codec{cluster: cluster}
	d.NameKey = "name"
	d.To = kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition, Headers: produce.AppendTraceContext(nil, x.R.Header)}
	return d, x.Decompress()
}

// codec has a JSON object for each record, one behind the other.
type codec struct {
	recordjson.Parser
	cluster  string
	splitter objectSplitter
}

// ContentType is JSON: the reports are objects, one behind the other.
func (*codec) ContentType() string { return exchange.JSONType }

// Empty refuses a body without a record: an answer without a report would be no JSON.
func (*codec) Empty() error {
	return exchange.Errorf(http.StatusBadRequest, "Null input provided. Data is required.")
}

// Whole ends with the last complete object.
func (d *codec) Whole(unread []byte) int { return d.splitter.whole(unread) }

// Cut returns the first object.
func (*codec) Cut(chunk []byte) (text, rest []byte, err error) {
	chunk = bytes.TrimLeft(chunk, " \t\r\n")
	s := jsonscan.New(chunk)
	switch {
	case len(chunk) == 0:
		return nil, nil, nil
	case chunk[0] != '{':
		return nil, nil, s.Wrong("expected {")
	}
	text, err = s.Value()
	return text, s.Rest(), err
}

// Read reads an object.
func (d *codec) Read(text []byte, p *produce.Pending) (kafka.Outgoing, error) {
	return readRecord(&d.Parser, text, p)
}

// AppendResult appends the report of a record that is written.
func (d *codec) AppendResult(out []byte, p *produce.Pending, r *kafka.Result) []byte {
	return append(d.appendReport(append(out, `{"error_code":200,`...), p, r), "}\n"...)
}

// AppendFailure appends the report of a record that is not.
func (*codec) AppendFailure(out []byte, _ *produce.Pending, f *exchange.Failure) []byte {
	return append(produce.AppendProblem(append(out, '{'), withV3Code(f)), "}\n"...)
}

// withV3Code returns a record's failure with the code that version 3 has for it.
func withV3Code(f *exchange.Failure) *exchange.Failure {
	if errors.Is(f.Cause, kafka.ErrNoTopic) || errors.Is(f.Cause, kafka.ErrNoPartition) {
		missing := notHosted()
		missing.Outcome = f.Outcome
		return missing
	}
	if errors.Is(f.Cause, kafka.ErrDenied) {
		return &exchange.Failure{Status: http.StatusForbidden, Code: exchange.CodeDenied, Message: f.Message, Outcome: f.Outcome}
	}
	return f
}

// appendReport writes the position of a record.
func (d *codec) appendReport(out []byte, p *produce.Pending, r *kafka.Result) []byte {
	out = append(out, `"cluster_id":`...)
	out = produce.AppendText(out, d.cluster)
	out = append(out, `,"topic_name":"`...) // a legal name needs no escapes
	out = append(out, d.To.Topic...)
	out = append(out, `","partition_id":`...)
	out = produce.AppendNumber(out, int64(r.Partition), true)
	out = append(out, `,"offset":`...)
	out = produce.AppendNumber(out, r.Offset, true)
	if r.Timestamp >= 0 {
		out = append(out, `,"timestamp":"`...)
		out = time.UnixMilli(r.Timestamp).UTC().AppendFormat(out, "2006-01-02T15:04:05.000Z")
		out = append(out, '"')
	}
	out = appendData(p.Key, out, "key")
	return appendData(p.Value, out, "value")
}

// appendData writes the type and the size of a key or a value.
func appendData(e produce.Data, out []byte, name string) []byte {
	if e.Kind == "" {
		return out
	}
	out = append(out, `,"`+name+`":{"type":"`+e.Kind+`","size":`...)
	return append(strconv.AppendInt(out, int64(e.Size), 10), '}')
}

// objectSplitter finds the ends of JSON objects that follow each other and come in pieces. It looks at brackets and
// strings only. The scanner judges the rest; text that is no object goes to it at once.
type objectSplitter struct {
	at       int // bytes that were looked at already
	depth    int
	inString bool // inside a string
	escaped  bool // after a backslash
}

// whole returns how many of the unread bytes are complete objects.
func (o *objectSplitter) whole(unread []byte) int {
	end := 0
	for ; o.at < len(unread); o.at++ {
		o.step(unread[o.at])
		if o.depth == 0 {
			end = o.at + 1
		}
	}
	o.at -= end
	return end
}

// step reads one byte.
func (o *objectSplitter) step(c byte) {
	switch {
	case o.escaped:
		o.escaped = false
	case o.inString:
		o.escaped, o.inString = c == '\\', c != '"'
	case c == '"':
		o.inString = o.depth > 0
	case c == '{' || c == '[':
		o.depth++
	case (c == '}' || c == ']') && o.depth > 0:
		o.depth--
	}
}
