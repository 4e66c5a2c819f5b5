package v2

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpconn"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// kind returns the reply's Content-Type. A client that accepts only another format of records gets an error.
func (in *instance) kind(x *exchange.Exchange) (string, error) {
	own := contentTypes[in.format]
	other, generic, asJSON := false, false, false
	for name := range exchange.MediaRanges(x.R.Header) {
		switch {
		case name == own:
			return own, nil
		case name == exchange.V2Type:
			generic = true
		case strings.HasPrefix(name, "application/vnd.kafka.") && strings.HasSuffix(name, ".v2+json"):
			other = true
		case name == exchange.JSONType:
			asJSON = true
		default:
			generic = true
		}
	}
	switch {
	case asJSON && !other && !generic:
		return exchange.JSONType, nil
	case other && !asJSON && !generic:
		return "", &exchange.Failure{
			Status: http.StatusNotAcceptable, Code: exchange.CodeFormat,
			Message: "The requested embedded data format does not match the deserializer for this consumer instance: it has " + own,
		}
	}
	return own, nil
}

// reply writes the records. If a part cannot be written, it gives all of them back: the client cannot use half a list.
func (in *instance) reply(x *exchange.Exchange, p recordsParams, lent []kafka.Delivery) error {
	body, room := encodeRecords(x, in.format, lent)
	defer x.Held.Add(-int64(room))
	if len(lent) > 0 {
		defer in.beginReply()()
	}
	if body == nil {
		in.giveBack(lent)
		return exchange.Unavailable("too many large requests at once")
	}
	if !deliver(x, p.kind, body) {
		in.giveBack(lent)
		return exchange.ErrGone
	}
	if len(lent) > 0 {
		in.markHanded(lent, httpconn.ReceiptOf(x.R))
	}
	return nil
}

// beginReply says that a reply is being written, until end is called. The request has the turn.
func (in *instance) beginReply() (end func()) {
	written := make(chan struct{})
	in.mu.Lock()
	defer in.mu.Unlock()
	in.replying = written
	return func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.replying = nil
		close(written)
	}
}

// awaitReply waits until the reply that is being written has ended. The client has all of the reply a moment before
// sluice knows it, and may commit over another connection by then.
func (in *instance) awaitReply(ctx context.Context) error {
	in.mu.Lock()
	written := in.replying
	in.mu.Unlock()
	if written == nil {
		return nil
	}
	select {
	case <-written:
		return nil
	case <-in.gone:
		return nil // the commit says how the instance ended
	case <-ctx.Done():
		return exchange.Unavailable("the records of this instance are still being sent")
	}
}

// encodeRecords writes records into one list. It counts the memory as bytes of bodies, and returns that as room. The
// body is nil if all requests together hold too much.
func encodeRecords(x *exchange.Exchange, f recordjson.Format, lent []kafka.Delivery) (body []byte, room int) {
	room = 2
	for i := range lent {
		room += recordRoom(f, &lent[i].Record)
	}
	if x.Held.Add(int64(room)) > int64(x.Opts.MaxHeld) {
		return nil, room
	}
	body = append(make([]byte, 0, room), '[')
	for i := range lent {
		if i > 0 {
			body = append(body, ',')
		}
		body = recordjson.AppendRecord(body, f, &lent[i].Record)
	}
	return append(body, ']'), room
}

// recordRoom returns about how many bytes a record needs in a reply.
func recordRoom(f recordjson.Format, r *kafka.Record) int {
	const members = 120
	room := members + len(r.Topic) + len(r.Key) + len(r.Value)
	if f == recordjson.Binary {
		room += (len(r.Key) + len(r.Value)) / 3
	}
	for i := range r.Headers {
		room += 30 + len(r.Headers[i].Name) + len(r.Headers[i].Value)*4/3
	}
	return room
}

// deliver answers with a body that must arrive. It returns false if the body could not be handed to the network, or if
// the client hung up before it had all of it.
func deliver(x *exchange.Exchange, kind string, body []byte) bool {
	if len(body) >= exchange.CompressFrom {
		body = x.Compressed(body)
	}
	x.W.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.Begin(http.StatusOK, kind)
	return x.WriteBody(body) == nil && x.Flush() == nil && (x.R.Context().Err() == nil || httpconn.ClientGotReply(x.R))
}
