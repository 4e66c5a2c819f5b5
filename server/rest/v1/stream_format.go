package v1

import (
	"strconv"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// streamFormat is how a stream is written.
type streamFormat struct {
	kind      string // media type
	begin     string // written before the first record
	heartbeat string // written when nothing was written for a while
	end       string // written when sluice stops
	record    func(out []byte, p *lender.Batch, i int, f recordjson.Format) []byte
	failure   func(*exchange.Failure) string // written when the stream fails
}

// EventType is the media type of server-sent events.
const EventType = "text/event-stream"

// streamFormats are the formats by the media types that clients accept.
var streamFormats = map[string]*streamFormat{
	exchange.NDJSONType: {
		kind: exchange.NDJSONType, heartbeat: "\n", record: appendRecordLine,
		failure: func(f *exchange.Failure) string { return problemText(f) + "\n" },
	},
	// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Lines that begin
	// with a colon are comments; retry is for the client that is cut off, in milliseconds.
	EventType: {
		kind: EventType, begin: "retry: 1000\n\n", heartbeat: ":\n\n", end: ": sluice stops\nretry: 1000\n\n", record: appendEvent,
		failure: func(f *exchange.Failure) string { return "event: failure\ndata: " + problemText(f) + "\n\n" },
	},
}

// appendRecordLine writes a line of NDJSON.
func appendRecordLine(out []byte, p *lender.Batch, i int, f recordjson.Format) []byte {
	return append(appendLent(out, p, i, f), '\n')
}

// appendEvent writes a server-sent event. Its id is the record's position. Browsers send the id back as Last-Event-ID,
// which is ignored: the leases say more.
func appendEvent(out []byte, p *lender.Batch, i int, f recordjson.Format) []byte {
	r := &p.Records[i].Record
	out = append(append(append(out, "id: "...), r.Topic...), '/')
	out = append(strconv.AppendInt(out, int64(r.Partition), 10), '/')
	out = strconv.AppendInt(out, r.Offset, 10)
	out = append(out, "\nevent: message\ndata: "...)
	return append(appendLent(out, p, i, f), "\n\n"...)
}

// problemText returns the body of a failure.
func problemText(f *exchange.Failure) string {
	out := strconv.AppendInt([]byte(`{"error_code":`), int64(f.Code), 10)
	return string(append(recordjson.AppendString(append(out, `,"message":`...), f.Message), '}'))
}
