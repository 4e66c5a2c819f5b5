package v1

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// headerPrefix begins the fields of the request that become headers of the record.
const headerPrefix = "X-Kafka-Header-"

// recordHeaders returns the record's headers, sorted by name. HTTP does not tell upper from lower case in names of
// fields (RFC 9110, 5.1), so all names are in lower case. Headers of one name are in the same order each time: the
// sender's own come first.
func recordHeaders(fields http.Header, kept []string) []kafka.Header {
	headers := appendHeaders(nil, fields, func(field string) string {
		name, ours := strings.CutPrefix(field, headerPrefix)
		if !ours {
			return ""
		}
		return name
	})
	headers = appendHeaders(headers, fields, func(field string) string {
		same := func(name string) bool { return strings.EqualFold(name, field) }
		if field == "Idempotency-Key" || !produce.IsTraceContext(field) && slices.ContainsFunc(kept, same) {
			return field
		}
		return ""
	})
	headers = produce.AppendTraceContext(headers, fields)
	slices.SortStableFunc(headers, func(a, b kafka.Header) int { return strings.Compare(a.Name, b.Name) })
	return headers
}

// appendHeaders appends a header for every value of the fields that named has a name for.
func appendHeaders(headers []kafka.Header, fields http.Header, named func(field string) string) []kafka.Header {
	for field, values := range fields {
		name := named(field)
		for _, value := range values {
			if name != "" {
				headers = append(headers, kafka.Header{Name: strings.ToLower(name), Value: []byte(value)})
			}
		}
	}
	return headers
}
