package rest

import (
	"strconv"

	"github.com/sluice-proxy/sluice/server/lender"
)

// shape is how a stream is written.
type shape struct {
	kind    string // Content-Type
	hello   string // before anything else
	pulse   string // when there is nothing to say
	bye     string // when sluice stops
	record  func(out []byte, p *lender.Batch, i int, f format) []byte
	failure func(*failure) string // why there are no more
}

const eventType = "text/event-stream"

// shapes are all there are, by what clients accept.
var shapes = map[string]*shape{
	ndjsonType: {
		kind: ndjsonType, pulse: "\n", record: appendRecordLine,
		failure: func(f *failure) string { return problemText(f) + "\n" },
	},
	// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Lines that begin
	// with a colon are comments; retry is for the client that is cut off, in milliseconds.
	eventType: {
		kind: eventType, hello: "retry: 1000\n\n", pulse: ":\n\n", bye: ": sluice stops\nretry: 1000\n\n", record: appendEvent,
		failure: func(f *failure) string { return "event: failure\ndata: " + problemText(f) + "\n\n" },
	},
}

func appendRecordLine(out []byte, p *lender.Batch, i int, f format) []byte {
	return append(appendLent(out, p, i, f), '\n')
}

// appendEvent writes an event. Its id is the record's place: browsers send it back as Last-Event-ID, which
// says nothing that the leases do not.
func appendEvent(out []byte, p *lender.Batch, i int, f format) []byte {
	r := &p.Records[i].Record
	out = append(append(append(out, "id: "...), r.Topic...), '/')
	out = append(strconv.AppendInt(out, int64(r.Partition), 10), '/')
	out = strconv.AppendInt(out, r.Offset, 10)
	out = append(out, "\nevent: message\ndata: "...)
	return append(appendLent(out, p, i, f), "\n\n"...)
}

func problemText(f *failure) string {
	out := strconv.AppendInt([]byte(`{"error_code":`), int64(f.code), 10)
	return string(append(appendQuoted(append(out, `,"message":`...), f.message), '}'))
}
