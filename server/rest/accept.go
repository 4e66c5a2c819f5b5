package rest

import (
	"iter"
	"net/http"
	"regexp"
	"strings"

	"github.com/sluice-proxy/sluice/server"
)

// v2Range matches the media ranges of Accept that cover what version 2 answers with: its own types, with or without a
// version and a format of records, and wider ranges.
var v2Range = regexp.MustCompile(`^(\*/\*|\*/json|application/\*|application/json|` +
	`application/vnd\.kafka(\.(binary|json|avro|jsonschema|protobuf))?(\.v[12])?\+json)$`)

// checkAccept refuses a client that reads something of version 2, but does not take its types.
func (x *exchange) checkAccept() error {
	if x.api != versionV2 || x.r.Method != http.MethodGet || accepted(x.r.Header) == "" {
		return nil
	}
	for name := range mediaRanges(x.r.Header) {
		if v2Range.MatchString(name) {
			return nil
		}
	}
	return &failure{
		status: http.StatusNotAcceptable, code: codeFormat,
		message: "HTTP 406 Not Acceptable: answers are application/vnd.kafka.v2+json, or application/json",
	}
}

// accepted returns the whole of Accept.
func accepted(h http.Header) string { return strings.Join(h["Accept"], ",") }

// mediaRanges returns what the client accepts, in its order, in lower case and without parameters. If the client does
// not say, that is one empty string.
func mediaRanges(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for item := range strings.SplitSeq(accepted(h), ",") {
			name, _, _ := strings.Cut(item, ";")
			if !yield(strings.ToLower(strings.TrimSpace(name))) {
				return
			}
		}
	}
}

// checkEffect refuses a GET that changes something where nobody means it to.
func (x *exchange) checkEffect() error {
	switch {
	case x.r.Method == http.MethodHead: // it would take records and show none
		x.w.Header().Set("Allow", http.MethodGet)
		return plain(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed: use GET")
	case !server.SameSite(x.r.Header):
		return plain(http.StatusForbidden, "not served to other origins")
	}
	return nil
}
