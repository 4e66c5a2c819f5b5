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
	back, err := x.park()
	if err != nil {
		return kafka.Page{}, err
	}
	defer back()
	ctx, cancel := x.within(r.Wait + x.timeout())
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

const peekRecords = 100 // by default

const peekBytes = 1 << 20 // by default

// The bounds of a read.
const (
	longestPeek = 10 * time.Second
)
