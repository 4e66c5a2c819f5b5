package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// peekRoutes read a piece of a partition for who is in no group. Nothing is disturbed, nothing is remembered.
var peekRoutes = []route{
	{http.MethodGet, "/v1/topics/{topic}/partitions/{partition}/records", peek},
	{http.MethodGet, "/topics/{topic}/partitions/{partition}/records", peekV2},
}

// The bounds of a read.
const (
	peekRecords = 100     // by default
	peekBytes   = 1 << 20 // by default
	longestPeek = 10 * time.Second
)

// peek answers {"records":[...],"next_offset":..}, in our own shape.
func peek(x *exchange) error {
	q, err := x.query("offset", "timestamp", "max", "max_bytes", "wait", "format")
	if err != nil {
		return err
	}
	as, known := bulkFormats[q.Get("format")]
	if !known {
		return invalid("format: %q is not one of json, binary, text", q.Get("format"))
	}
	r, err := x.reading(q)
	if err != nil {
		return err
	}
	page, free, err := x.page(r)
	if err != nil {
		return err
	}
	defer free()
	return x.write(jsonType, as, page, true)
}

// reading is what the query asks for.
func (x *exchange) reading(q url.Values) (r kafka.Reading, err error) {
	r = kafka.Reading{Records: peekRecords, Bytes: peekBytes}
	if r.Target, err = x.target(q); err != nil {
		return r, err
	}
	for name, set := range map[string]func(string) error{
		"max":       func(v string) error { return count(&r.Records, v, mostRecords) },
		"max_bytes": func(v string) error { return count(&r.Bytes, v, mostBytes) },
		"wait":      func(v string) error { return period(&r.Wait, v, 0, longestPeek) },
	} {
		if !q.Has(name) {
			continue
		}
		if err := set(q.Get(name)); err != nil {
			return r, invalid("%s: %v", name, err)
		}
	}
	return r, nil
}

// target is where the query begins: at the earliest record when it does not say.
func (x *exchange) target(q url.Values) (t kafka.Target, err error) {
	if t.Topic, err = x.topicName(); err != nil {
		return t, err
	}
	if t.Partition, err = x.partition(); err != nil {
		return t, err
	}
	switch given := q.Get("offset"); {
	case q.Has("offset") && q.Has("timestamp"):
		return t, invalid("offset and timestamp are two ways to say from where: give one")
	case q.Has("timestamp"):
		t.Offset = kafka.AtTime
		t.Time, err = moment("timestamp", q.Get("timestamp"))
	case !q.Has("offset") || given == "earliest":
		t.Offset = kafka.Earliest
	case given == "latest":
		t.Offset = kafka.Latest
	default:
		if t.Offset, err = jsonscan.Number("offset", []byte(given), 63); err != nil {
			err = invalid("offset: %q is neither a whole number from 0 on, nor earliest or latest", given)
		}
	}
	return t, err
}

// moment reads milliseconds since 1970, or a date and time.
func moment(name, text string) (int64, error) {
	if at, err := jsonscan.Number(name, []byte(text), 63); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UnixMilli() < 0 {
		return 0, invalid("%s: %q is neither milliseconds since 1970 nor a date and time, as 2026-01-31T23:59:59Z", name, text)
	}
	return at.UnixMilli(), nil
}

// page reads. Its memory counts with that of bodies until it is freed.
func (x *exchange) page(r kafka.Reading) (page kafka.Page, free func(), err error) {
	if x.isDraining() {
		return page, nil, errStopping()
	}
	if x.held.Add(int64(r.Bytes)) > int64(x.opts.MaxHeld) {
		x.held.Add(-int64(r.Bytes))
		return page, nil, unavailable("too many large requests at once")
	}
	free = func() { x.held.Add(-int64(r.Bytes)) }
	if page, err = x.readPage(r); err != nil {
		free()
	}
	return page, free, err
}

// readPage reads for as long as the client is there and sluice does not stop.
func (x *exchange) readPage(r kafka.Reading) (kafka.Page, error) {
	back, err := x.aside()
	if err != nil {
		return kafka.Page{}, err
	}
	defer back()
	ctx, cancel := x.within(r.Wait + groupTimeout)
	defer cancel()
	go func() { // ends with this call
		select {
		case <-x.drains:
			cancel()
		case <-ctx.Done():
		}
	}()
	page, err := x.kafka.Read(ctx, r)
	var beyond *kafka.BeyondError
	switch {
	case err == nil:
		return page, nil
	case x.r.Context().Err() != nil:
		return page, errGone
	case errors.Is(err, context.Canceled):
		return page, errStopping()
	case errors.As(err, &beyond):
		return page, plain(http.StatusRequestedRangeNotSatisfiable, "%v", err)
	}
	return page, err
}

// write answers with a page: as a list, or inside an object that says where to go on.
func (x *exchange) write(kind string, as format, page kafka.Page, whole bool) error {
	buffer := newOut()
	out := (*buffer)[:0]
	defer func() { freeOut(buffer, out) }()
	control := http.NewResponseController(x.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	x.begin(http.StatusOK, kind)
	if whole {
		out = append(out, `{"records":`...)
	}
	separator := byte('[')
	for i := range page.Records {
		out = appendRecord(append(out, separator), as, &page.Records[i])
		separator = ','
		if len(out) >= spillBytes {
			if _, err := x.w.Write(out); err != nil {
				return errGone
			}
			out = out[:0]
		}
	}
	if len(page.Records) == 0 {
		out = append(out, '[')
	}
	out = append(out, ']')
	if whole {
		out = appendPage(out, &page)
	}
	_, _ = x.w.Write(out) // who has gone has no use for it
	return nil
}

// appendPage ends the object of a page.
func appendPage(out []byte, page *kafka.Page) []byte {
	out = strconv.AppendInt(append(out, `,"next_offset":`...), page.Next, 10)
	out = strconv.AppendInt(append(out, `,"beginning_offset":`...), page.Begin, 10)
	out = strconv.AppendInt(append(out, `,"end_offset":`...), page.End, 10)
	return append(out, '}')
}

// peekV2 answers a list of records, as other servers of REST v2 do.
func peekV2(x *exchange) error {
	as, kind, err := x.embedded()
	if err != nil {
		return err
	}
	q := x.r.URL.Query()
	if !q.Has("offset") {
		return invalid("offset: say from where")
	}
	q.Del("timestamp")
	r := kafka.Reading{Records: mostRecords, Bytes: peekBytes, Wait: defaultWait}
	if r.Target, err = x.target(q); err != nil {
		return err
	}
	millis, given, err := queryInt(q, "timeout", int(longestPeek.Milliseconds()))
	if err != nil {
		return err
	}
	if given {
		r.Wait = time.Duration(millis) * time.Millisecond
	}
	most, given, err := queryInt(q, "max_bytes", mostBytes)
	if err != nil {
		return err
	}
	if given {
		r.Bytes = max(1, most)
	}
	page, free, err := x.page(r)
	if err != nil {
		return err
	}
	defer free()
	return x.write(kind, as, page, false)
}

// embedded is the format that the Accept asks for, and the answer's Content-Type: binary when it does not say.
func (x *exchange) embedded() (format, string, error) {
	other := false
	for name := range mediaRanges(x.r.Header) {
		switch name {
		case kinds[jsonFormat]:
			return jsonFormat, name, nil
		case jsonType:
			return jsonFormat, jsonType, nil
		case kinds[binaryFormat], v2Type, "", "*/*", "application/*":
			return binaryFormat, kinds[binaryFormat], nil
		}
		other = true
	}
	if !other {
		return binaryFormat, kinds[binaryFormat], nil
	}
	return 0, "", &failure{
		status: http.StatusNotAcceptable, code: codeFormat,
		message: "records come as " + kinds[jsonFormat] + " or " + kinds[binaryFormat],
	}
}
