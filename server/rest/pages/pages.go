// Package pages reads a piece of a partition for a client that is in no group.
//
// Nothing is disturbed, and nothing is remembered.
package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The bounds of a read. The defaults are for clients that do not say.
const (
	DefaultRecords = 100
	DefaultBytes   = 1 << 20
	MaxWait        = 10 * time.Second
)

// Target returns where the query begins. Without a parameter that is the earliest record.
func Target(x *exchange.Exchange, q url.Values) (t kafka.Target, err error) {
	if t.Topic, err = x.TopicName(); err != nil {
		return t, err
	}
	if t.Partition, err = x.Partition(); err != nil {
		return t, err
	}
	switch given := q.Get("offset"); {
	case q.Has("offset") && q.Has("timestamp"):
		return t, exchange.Invalid("offset and timestamp are two ways to say from where: give one")
	case q.Has("timestamp"):
		t.Offset = kafka.AtTime
		t.Time, err = exchange.Moment("timestamp", q.Get("timestamp"))
	case !q.Has("offset") || given == "earliest":
		t.Offset = kafka.Earliest
	case given == "latest":
		t.Offset = kafka.Latest
	default:
		if t.Offset, err = jsonscan.Number("offset", []byte(given), 63); err != nil {
			err = exchange.Invalid("offset: %q is neither a whole number from 0 on, nor earliest or latest", given)
		}
	}
	return t, err
}

// Read reads a page. Its memory counts as bytes of bodies until free is called.
func Read(x *exchange.Exchange, r kafka.ReadRequest) (page kafka.Page, free func(), err error) {
	if x.IsDraining() {
		return page, nil, exchange.Stopping()
	}
	if x.Held.Add(int64(r.Bytes)) > int64(x.Opts.MaxHeld) {
		x.Held.Add(-int64(r.Bytes))
		return page, nil, exchange.Unavailable("too many large requests at once")
	}
	free = func() { x.Held.Add(-int64(r.Bytes)) }
	if page, err = read(x, r); err != nil {
		free()
	}
	return page, free, err
}

// read ends when the client goes, or when the door drains.
func read(x *exchange.Exchange, r kafka.ReadRequest) (kafka.Page, error) {
	back, err := x.Park()
	if err != nil {
		return kafka.Page{}, err
	}
	defer back()
	ctx, cancel := x.Within(r.Wait + x.Timeout())
	defer cancel()
	go func() { // ends with this call
		select {
		case <-x.Drains:
			cancel()
		case <-ctx.Done():
		}
	}()
	page, err := x.Kafka.Read(ctx, r)
	var beyond *kafka.BeyondError
	switch {
	case err == nil:
		return page, nil
	case x.R.Context().Err() != nil:
		return page, exchange.ErrGone
	case errors.Is(err, context.Canceled):
		return page, exchange.Stopping()
	case errors.As(err, &beyond):
		return page, exchange.Errorf(http.StatusRequestedRangeNotSatisfiable, "%v", err)
	}
	return page, err
}

// Write answers with a page: as a list, or inside an object that says where to go on.
func Write(x *exchange.Exchange, kind string, as recordjson.Format, page kafka.Page, whole bool) error {
	buffer := exchange.NewBuffer()
	out := (*buffer)[:0]
	defer func() { exchange.FreeBuffer(buffer, out) }()
	x.Begin(http.StatusOK, kind)
	if whole {
		out = append(out, `{"records":`...)
	}
	separator := byte('[')
	for i := range page.Records {
		out = recordjson.AppendRecord(append(out, separator), as, &page.Records[i])
		separator = ','
		if len(out) >= exchange.PieceBytes {
			if x.WriteBody(out) != nil {
				return exchange.ErrGone
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
	_ = x.WriteBody(out) // a client that has gone does not need it
	return nil
}

// appendPage ends the object of a page.
func appendPage(out []byte, page *kafka.Page) []byte {
	out = strconv.AppendInt(append(out, `,"next_offset":`...), page.Next, 10)
	out = strconv.AppendInt(append(out, `,"beginning_offset":`...), page.Begin, 10)
	out = strconv.AppendInt(append(out, `,"end_offset":`...), page.End, 10)
	return append(out, '}')
}
