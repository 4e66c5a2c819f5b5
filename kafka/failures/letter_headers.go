package failures

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// ours are the names of all headers of ours.
var ours = map[string]bool{
	headerTopic: true, headerPartition: true, headerOffset: true, headerGroup: true, headerDeliveryCount: true, headerMessage: true,
	headerSourceTopic: true, headerSourcePartition: true, headerSourceOffset: true, headerSourceGroup: true,
	headerSourceAttempts: true, headerSourceTrace: true,
	headerReason: true, headerClass: true, headerBacktrace: true, headerFailedAt: true, headerFirstFailedAt: true,
	headerSourceTimestamp: true, headerClient: true, headerReplays: true, headerPointer: true, headerSourceSize: true,
}

func text(name, value string) record.Header { return record.Header{Name: name, Value: []byte(value)} }

// known leaves out the headers that would say nothing.
func known(headers []record.Header) []record.Header {
	var kept []record.Header
	for _, h := range headers {
		if len(h.Value) > 0 {
			kept = append(kept, h)
		}
	}
	return kept
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// millis is a time as Kafka has timestamps; empty when it is not known.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return decimal(t.UnixMilli())
}

// timestamp is a record's timestamp; empty for a record that has none.
func timestamp(at int64) string {
	if at < 0 {
		return ""
	}
	return decimal(at)
}

// traceparent is W3C's header, whose second field is the id of the trace.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}`)

// traceID is the id of the trace that a record belongs to; empty for none.
func traceID(headers []record.Header) string {
	for _, h := range headers {
		if !strings.EqualFold(h.Name, "traceparent") {
			continue
		}
		if m := traceparent.FindSubmatch(h.Value); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// What a record takes in a batch of its own besides its key, value and headers, and what a header takes besides its name and
// value, in bytes at most: the head of a batch has 61, and lengths are of up to 5.
const (
	recordOverhead = 61 + 36
	headerOverhead = 2 * 5
)

// wireSize is how many bytes a batch has at most that holds the record with more headers. Brokers bound batches, and librdkafka
// bounds records, which are smaller.
func wireSize(r *record.Record, more []record.Header) int {
	return recordOverhead + len(r.Key) + len(r.Value) + sizes(r.Headers) + sizes(more)
}

func sizes(headers []record.Header) (n int) {
	for i := range headers {
		n += headerOverhead + len(headers[i].Name) + len(headers[i].Value)
	}
	return n
}

// payload is the size of a record's key, value and headers, in bytes.
func payload(r *record.Record) int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return n
}

// fitting is a header whose text is cut to the room that there is; none where that is not worth it.
func fitting(name, value string, room int) []record.Header {
	const least = 16 // bytes of a text that says something
	room -= headerOverhead + len(name)
	if value == "" || room < min(least, len(value)) {
		return nil
	}
	return []record.Header{text(name, bounded(value, room))}
}

// omission stands where a text was cut.
const omission = "\n...\n"

// bounded is a text of valid UTF-8 with so many bytes at most. It is cut in its middle: the frame that failed is the first of a
// backtrace in some languages, and the last in others.
func bounded(s string, most int) string {
	if len(s) <= most && utf8.ValidString(s) {
		return s
	}
	// A byte that is no UTF-8 becomes three.
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	half := (most - len(omission)) / 2
	if half < len(omission) {
		return s[:start(s, most)]
	}
	last := len(s) - half
	end := start(s, last)
	if end < last { // the rune that is cut is left out
		_, width := utf8.DecodeRuneInString(s[end:])
		end += width
	}
	return s[:start(s, most-len(omission)-half)] + omission + s[end:]
}

// start is where the rune begins of which a byte is.
func start(s string, at int) int {
	for at > 0 && at < len(s) && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}
