package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpconn"
)

// kind is the reply's Content-Type. A client that only takes another embedded format gets none.
func (in *instance) kind(x *exchange) (string, error) {
	own := kinds[in.format]
	other, generic, asJSON := false, false, false
	for name := range mediaRanges(x.r.Header) {
		switch {
		case name == own:
			return own, nil
		case name == v2Type:
			generic = true
		case strings.HasPrefix(name, "application/vnd.kafka.") && strings.HasSuffix(name, ".v2+json"):
			other = true
		case name == jsonType:
			asJSON = true
		default:
			generic = true
		}
	}
	switch {
	case asJSON && !other && !generic:
		return jsonType, nil
	case other && !asJSON && !generic:
		return "", &failure{
			status: http.StatusNotAcceptable, code: codeFormat,
			message: "The requested embedded data format does not match the deserializer for this consumer instance: it has " + own,
		}
	}
	return own, nil
}

// reply writes the records. What could not be written is put back, all of it: the client cannot use half a
// list.
func (in *instance) reply(x *exchange, p portion, lent []kafka.Delivery) error {
	body, room := x.listed(in.format, lent)
	defer x.held.Add(-int64(room))
	if body == nil {
		in.putBack(lent)
		return unavailable("too many large requests at once")
	}
	if !x.deliver(p.kind, body) {
		in.putBack(lent)
		return errGone
	}
	in.handOver(lent)
	return nil
}

// handOver notes what the client has: a commit without offsets covers it.
func (in *instance) handOver(lent []kafka.Delivery) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended != alive {
		return
	}
	for i := range lent {
		in.handed[lent[i].TopicPartition] = lent[i].Offset
	}
}

// listed writes records into one list, and counts its memory among that of bodies, as room; nil when there
// is too much of that.
func (x *exchange) listed(f format, lent []kafka.Delivery) (body []byte, room int) {
	room = 2
	for i := range lent {
		room += recordRoom(f, &lent[i].Record)
	}
	if x.held.Add(int64(room)) > int64(x.opts.MaxHeld) {
		return nil, room
	}
	body = append(make([]byte, 0, room), '[')
	for i := range lent {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendRecord(body, f, &lent[i].Record)
	}
	return append(body, ']'), room
}

// recordRoom is about what a record needs in a reply.
func recordRoom(f format, r *kafka.Record) int {
	const members = 120
	room := members + len(r.Topic) + len(r.Key) + len(r.Value)
	if f == binaryFormat {
		room += (len(r.Key) + len(r.Value)) / 3
	}
	for i := range r.Headers {
		room += 30 + len(r.Headers[i].Name) + len(r.Headers[i].Value)*4/3
	}
	return room
}

// deliver answers with a body that must arrive; false when it could not be handed to the network, or the
// client hung up before it had all of it.
func (x *exchange) deliver(kind string, body []byte) bool {
	if len(body) >= compressFrom {
		body = x.compressed(body)
	}
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.begin(http.StatusOK, kind)
	wire := http.NewResponseController(x.w)
	const piece = 256 << 10
	for len(body) > 0 {
		_ = wire.SetWriteDeadline(time.Now().Add(writeTimeout)) // for each piece: a slow reader may be reading
		n := min(piece, len(body))
		if _, err := x.w.Write(body[:n]); err != nil {
			return false
		}
		body = body[n:]
	}
	return wire.Flush() == nil && (x.r.Context().Err() == nil || httpconn.ClientGotReply(x.r))
}
