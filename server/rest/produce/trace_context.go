package produce

import (
	"net/http"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
)

// traceContext are the fields by which a trace goes on behind a request, as Go writes them and as they are called in Kafka
// (https://www.w3.org/TR/trace-context, https://www.w3.org/TR/baggage).
var traceContext = []struct{ field, header string }{
	{"Baggage", "baggage"}, {"Traceparent", "traceparent"}, {"Tracestate", "tracestate"},
}

// IsTraceContext tells whether a field, as Go writes it, belongs to the trace context of a request.
func IsTraceContext(field string) bool {
	for i := range traceContext {
		if traceContext[i].field == field {
			return true
		}
	}
	return false
}

// AppendTraceContext appends the trace context of a request to the headers that its records have anyway. A header that is
// there already counts more: it is the sender's own word.
func AppendTraceContext(headers []kafka.Header, fields http.Header) []kafka.Header {
	for _, c := range traceContext {
		values := fields[c.field]
		if len(values) == 0 || slices.ContainsFunc(headers, func(h kafka.Header) bool { return h.Name == c.header }) {
			continue
		}
		for _, value := range values {
			headers = append(headers, kafka.Header{Name: c.header, Value: []byte(value)})
		}
	}
	return headers
}
