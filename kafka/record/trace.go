package record

import (
	"log/slog"
	"strings"
)

// TraceParent is the name of the header that has the trace context of a record (https://www.w3.org/TR/trace-context).
const TraceParent = "traceparent"

// Trace is the id of the trace that a record belongs to, empty when it has none: 32 hexadecimal digits of its header
// traceparent. Of several the last one counts, as for Kafka's clients. One that is not valid is none.
func (r *Record) Trace() string {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Name == TraceParent {
			return traceID(string(r.Headers[i].Value))
		}
	}
	return ""
}

// traceID reads version, trace id, parent id and flags: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01. A later
// version may have more behind them.
func traceID(parent string) string {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(parent) < size || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' {
		return ""
	}
	version, trace, span, flags := parent[:2], parent[3:35], parent[36:52], parent[53:size]
	switch {
	case !isHex(version + trace + span + flags), version == "ff", isZero(trace), isZero(span):
		return ""
	case len(parent) > size && (version == "00" || parent[size] != '-'):
		return ""
	}
	return trace
}

// isHex tells whether a text has nothing but hexadecimal digits in lower case.
func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func isZero(s string) bool { return strings.Trim(s, "0") == "" }

// Traced is the log for a line about a record of a trace: the line says which. An empty trace is none.
func Traced(log *slog.Logger, trace string) *slog.Logger {
	if trace == "" {
		return log
	}
	return log.With("trace", trace)
}
