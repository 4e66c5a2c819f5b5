package rest

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// v3Produce produces the objects of the body, one or a stream of them that follow each other, and writes a
// report for each in their order. Its status is 200 also when records fail, as version 3 has it.
func v3Produce(x *exchange) error {
	d, err := x.concatenated()
	if err != nil {
		return err
	}
	return x.stream(d)
}

// concatenated begins a produce of version 3.
func (x *exchange) concatenated() (*concatenated, error) {
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if given := x.r.Header.Get("Content-Type"); given != "" && (err != nil || kind != jsonType) {
		return nil, plain(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type: %q; version 3 takes application/json", given)
	}
	cluster, err := x.v3Cluster()
	if err != nil {
		return nil, err
	}
	name, err := x.v3TopicName()
	if err != nil {
		return nil, err
	}
	d := &concatenated{cluster: cluster}
	d.nameKey = "name"
	d.to = kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition}
	return d, x.decompress()
}

// concatenated is the dialect of version 3: JSON objects, one behind the other.
type concatenated struct {
	batch
	cluster string
	objects objects
}

func (*concatenated) kind() string { return jsonType }

// An answer without a report would be no JSON.
func (*concatenated) none() error {
	return plain(http.StatusBadRequest, "Null input provided. Data is required.")
}

func (d *concatenated) whole(unread []byte) int { return d.objects.whole(unread) }

func (*concatenated) cut(chunk []byte) (text, rest []byte, err error) {
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

func (d *concatenated) read(text []byte, p *pending) (kafka.Outgoing, error) {
	return d.v3Record(text, p)
}

func (d *concatenated) tell(out []byte, p *pending, r *kafka.Result) []byte {
	return append(d.appendReport(append(out, `{"error_code":200,`...), p, r), "}\n"...)
}

func (*concatenated) tellFailure(out []byte, _ *pending, f *failure) []byte {
	return append(appendProblem(append(out, '{'), asV3(f)), "}\n"...)
}

// asV3 is a record's failure by version 3's codes.
func asV3(f *failure) *failure {
	if errors.Is(f.cause, kafka.ErrNoTopic) || errors.Is(f.cause, kafka.ErrNoPartition) {
		missing := notHosted()
		missing.outcome = f.outcome
		return missing
	}
	if errors.Is(f.cause, kafka.ErrDenied) {
		return &failure{status: http.StatusForbidden, code: codeDenied, message: f.message, outcome: f.outcome}
	}
	return f
}

// appendReport writes where a record is.
func (d *concatenated) appendReport(out []byte, p *pending, r *kafka.Result) []byte {
	out = append(out, `"cluster_id":`...)
	out = appendText(out, d.cluster)
	out = append(out, `,"topic_name":"`...) // a legal name needs no escapes
	out = append(out, d.to.Topic...)
	out = append(out, `","partition_id":`...)
	out = appendKnown(out, int64(r.Partition), true)
	out = append(out, `,"offset":`...)
	out = appendKnown(out, r.Offset, true)
	if r.Timestamp >= 0 {
		out = append(out, `,"timestamp":"`...)
		out = time.UnixMilli(r.Timestamp).UTC().AppendFormat(out, "2006-01-02T15:04:05.000Z")
		out = append(out, '"')
	}
	out = p.key.append(out, "key")
	return p.value.append(out, "value")
}

func (e embedded) append(out []byte, name string) []byte {
	if e.kind == "" {
		return out
	}
	out = append(out, `,"`+name+`":{"type":"`+e.kind+`","size":`...)
	return append(strconv.AppendInt(out, int64(e.size), 10), '}')
}

// objects finds where JSON objects that follow each other end, however they come in pieces. It looks at
// brackets and strings alone: what is between them is for the scanner to judge, which gets whatever is no
// object at once.
type objects struct {
	at      int // what was looked at already
	depth   int
	text    bool // inside a string
	escaped bool // behind a backslash
}

func (o *objects) whole(unread []byte) int {
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

func (o *objects) step(c byte) {
	switch {
	case o.escaped:
		o.escaped = false
	case o.text:
		o.escaped, o.text = c == '\\', c != '"'
	case c == '"':
		o.text = o.depth > 0
	case c == '{' || c == '[':
		o.depth++
	case (c == '}' || c == ']') && o.depth > 0:
		o.depth--
	}
}
