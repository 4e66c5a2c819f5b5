package rest

import (
	"net/http"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// The bounds of a batch, as in version 3's proxy.
const (
	batchEntries = 10
	batchIDBytes = 80
)

// entry is one record of a batch.
type entry struct {
	pending

	id     []byte // a string of JSON, with its quotes
	out    kafka.Outgoing
	result kafka.Result
}

// entries reads {"entries":[{"id":"1",...}]}. What is wrong with one entry is that entry's failure; what is
// wrong with the list, or an id, is the request's.
type entries struct {
	*concatenated
	list []entry
}

// v3Batch produces a few records and answers with those that are written and those that are not.
func v3Batch(x *exchange) error {
	d, err := x.concatenated()
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	all := entries{concatenated: d}
	if err := all.read(body); err != nil {
		return err
	}
	results, err := x.deliverEntries(all.list)
	if err != nil {
		return err
	}
	x.send(http.StatusMultiStatus, all.appendResults(nil, results))
	return nil
}

// deliverEntries sends the entries that are fit to be sent, and returns their results.
func (x *exchange) deliverEntries(list []entry) ([]kafka.Result, error) {
	var fit []kafka.Outgoing
	for i := range list {
		if list[i].failure == nil {
			fit = append(fit, list[i].out)
		}
	}
	if len(fit) == 0 {
		return nil, nil
	}
	d, err := x.desk()
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.deliver(x.r.Context(), fit)
}

// inBatch is a failure of a whole batch.
func inBatch(format string, values ...any) error {
	f := plain(http.StatusUnprocessableEntity, "Error in batch. "+format, values...)
	f.code = codeBatch
	return f
}

func (e *entries) read(body []byte) error {
	if !utf8.Valid(body) {
		return jsonscan.NotUTF8("the body")
	}
	e.Scanner = jsonscan.New(body)
	err := e.v3Object("the body", func(name string) error {
		if name != "entries" {
			return unfit("Unrecognized field: %s", shortened(name))
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

func (e *entries) readList() error {
	if e.Peek() != '[' {
		return e.Unexpected("\"entries\" is not a list")
	}
	e.list = e.list[:0] // of a name that is given twice the last one counts
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

// readEntry reads one entry. Its text was scanned already: it is JSON.
func (e *entries) readEntry(text []byte) error {
	b := batch{Scanner: jsonscan.New(text), nameKey: e.nameKey, to: e.to}
	one := entry{out: e.to}
	err := b.v3Object("an entry", func(name string) error {
		if name != "id" {
			return b.entryField(name, &one)
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

// entryField takes a member of the record in an entry, and notes what is wrong with it.
func (b *batch) entryField(name string, one *entry) error {
	behind := b.Scanner
	if _, err := behind.Value(); err != nil {
		return err
	}
	if err := b.v3Field(name, &one.out, &one.pending); err != nil && one.failure == nil {
		one.failure = asFailure(asPayload(err))
	}
	b.Scanner = behind
	return nil
}

// checkID tells whether the newest entry has an id of its own.
func (e *entries) checkID(id []byte) error {
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
func (e *entries) appendResults(out []byte, results []kafka.Result) []byte {
	for i := range e.list {
		one := &e.list[i]
		if one.failure != nil {
			continue
		}
		one.result, results = results[0], results[1:]
		if one.result.Err != nil {
			one.failure = ended(one.result.Err)
		}
	}
	out = append(out, `{"successes":[`...)
	out = e.appendList(out, false)
	out = append(out, `],"failures":[`...)
	out = e.appendList(out, true)
	return append(out, "]}"...)
}

func (e *entries) appendList(out []byte, failed bool) []byte {
	from := len(out)
	for i := range e.list {
		one := &e.list[i]
		if (one.failure != nil) != failed {
			continue
		}
		if len(out) > from {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"id":`...), one.id...), ',')
		if failed {
			out = appendProblem(out, asV3(one.failure))
		} else {
			out = e.appendReport(out, &one.pending, &one.result)
		}
		out = append(out, '}')
	}
	return out
}
