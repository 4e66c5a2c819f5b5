package v3

import (
	"net/http"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// The bounds of a batch, as in version 3's proxy.
const (
	batchEntries = 10
	batchIDBytes = 80
)

// batchEntry is one record of a batch.
type batchEntry struct {
	produce.Pending

	id     []byte // a string of JSON, with its quotes
	out    kafka.Outgoing
	result kafka.Result
}

// batchParser reads {"entries":[{"id":"1",...}]}. A mistake in one entry is that entry's failure. A mistake in the
// list or in an id is the request's failure.
type batchParser struct {
	*codec
	list []batchEntry
}

// produceBatch produces a few records, and answers with those that are written and those that are not.
func produceBatch(x *exchange.Exchange) error {
	d, err := newCodec(x)
	if err != nil {
		return err
	}
	body, err := x.Body()
	if err != nil {
		return err
	}
	all := batchParser{codec: d}
	if err := all.read(body); err != nil {
		return err
	}
	results, err := deliverEntries(x, all.list)
	if err != nil {
		return err
	}
	x.Send(http.StatusMultiStatus, all.appendResults(nil, results))
	return nil
}

// deliverEntries sends the entries without a mistake, and returns their results.
func deliverEntries(x *exchange.Exchange, list []batchEntry) ([]kafka.Result, error) {
	var fit []kafka.Outgoing
	for i := range list {
		if list[i].Failure == nil {
			fit = append(fit, list[i].out)
		}
	}
	if len(fit) == 0 {
		return nil, nil
	}
	d, err := produce.NewDelivery(x)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Deliver(x.R.Context(), fit)
}

// inBatch is the answer for a mistake in the batch as a whole.
func inBatch(format string, values ...any) error {
	f := exchange.Errorf(http.StatusUnprocessableEntity, "Error in batch. "+format, values...)
	f.Code = codeBatch
	return f
}

func (e *batchParser) read(body []byte) error {
	if !utf8.Valid(body) {
		return jsonscan.NotUTF8("the body")
	}
	e.Scanner = jsonscan.New(body)
	err := readObject(&e.codec.Parser, "the body", func(name string) error {
		if name != "entries" {
			return unfit("Unrecognized field: %s", exchange.Shortened(name))
		}
		return e.readList()
	})
	if err == nil {
		err = e.End()
	}
	if err == nil && len(e.list) == 0 {
		return inBatch("Empty batch.")
	}
	return asPayload(err)
}

func (e *batchParser) readList() error {
	if e.Peek() != '[' {
		return e.Unexpected("\"entries\" is not a list")
	}
	e.list = e.list[:0] // if the name is given twice, the last list counts
	more, err := e.Enter('[')
	for more && err == nil {
		if len(e.list) == batchEntries {
			return inBatch("Too many entries in batch: there may be %d.", batchEntries)
		}
		var text []byte
		if text, err = e.Value(); err != nil {
			break
		}
		if err = e.readEntry(text); err != nil {
			break
		}
		more, err = e.Next('[')
	}
	return err
}

// readEntry reads one entry. Its text is JSON: it was scanned already.
func (e *batchParser) readEntry(text []byte) error {
	b := recordjson.Parser{Scanner: jsonscan.New(text), NameKey: e.NameKey, To: e.To}
	one := batchEntry{out: e.To}
	err := readObject(&b, "an entry", func(name string) error {
		if name != "id" {
			return readEntryField(&b, name, &one)
		}
		var err error
		one.id, err = b.Value()
		return err
	})
	if err != nil {
		return err
	}
	e.list = append(e.list, one)
	return e.checkID(one.id)
}

// readEntryField reads a member of the record in an entry, and notes a mistake in it.
func readEntryField(b *recordjson.Parser, name string, one *batchEntry) error {
	behind := b.Scanner
	if _, err := behind.Value(); err != nil {
		return err
	}
	if err := readField(b, name, &one.out, &one.Pending); err != nil && one.Failure == nil {
		one.Failure = exchange.AsFailure(asPayload(err))
	}
	b.Scanner = behind
	return nil
}

// checkID makes sure that the newest entry has an id of its own.
func (e *batchParser) checkID(id []byte) error {
	if len(id) == 0 || id[0] != '"' {
		return inBatch("An entry has no \"id\" that is a string.")
	}
	text := string(jsonscan.Unquote(id))
	if n := utf8.RuneCountInString(text); n == 0 || n > batchIDBytes {
		return inBatch("An \"id\" has 1 to %d characters.", batchIDBytes)
	}
	for i := range e.list[:len(e.list)-1] {
		if string(jsonscan.Unquote(e.list[i].id)) == text {
			return inBatch("Entry IDs are not distinct.")
		}
	}
	return nil
}

// appendResults writes {"successes":[...],"failures":[...]}.
func (e *batchParser) appendResults(out []byte, results []kafka.Result) []byte {
	for i := range e.list {
		one := &e.list[i]
		if one.Failure != nil {
			continue
		}
		one.result, results = results[0], results[1:]
		if one.result.Err != nil {
			one.Failure = exchange.NotWritten(one.result.Err)
		}
	}
	out = append(out, `{"successes":[`...)
	out = e.appendList(out, false)
	out = append(out, `],"failures":[`...)
	out = e.appendList(out, true)
	return append(out, "]}"...)
}

func (e *batchParser) appendList(out []byte, failed bool) []byte {
	from := len(out)
	for i := range e.list {
		one := &e.list[i]
		if (one.Failure != nil) != failed {
			continue
		}
		if len(out) > from {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"id":`...), one.id...), ',')
		if failed {
			out = produce.AppendProblem(out, withV3Code(one.Failure))
		} else {
			out = e.appendReport(out, &one.Pending, &one.result)
		}
		out = append(out, '}')
	}
	return out
}
