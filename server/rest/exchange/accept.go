package exchange

import (
	"iter"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/server"
)

// v2Range matches the media ranges of Accept that cover what version 2 answers with: its own types, with or without a
// version and a format of records, and wider ranges.
var v2Range = regexp.MustCompile(`^(\*/\*|\*/json|application/\*|application/json|` +
	`application/vnd\.kafka(\.(binary|json|text|avro|jsonschema|protobuf))?(\.v[12])?\+json)$`)

// checkAccept refuses a client that reads something of version 2, but does not take its types.
func (x *Exchange) checkAccept() error {
	if x.api != V2 || x.R.Method != http.MethodGet || accepted(x.R.Header) == "" {
		return nil
	}
	for name := range MediaRanges(x.R.Header) {
		if v2Range.MatchString(name) {
			return nil
		}
	}
	return &Failure{
		Status: http.StatusNotAcceptable, Code: CodeFormat,
		Message: "HTTP 406 Not Acceptable: answers are application/vnd.kafka.v2+json, or application/json",
	}
}

// accepted returns the whole of Accept.
func accepted(h http.Header) string { return strings.Join(h["Accept"], ",") }

// MediaRanges returns what the client accepts, in its order, in lower case and without parameters. If the client does
// not say, that is one empty string.
func MediaRanges(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for item := range strings.SplitSeq(accepted(h), ",") {
			name, _, _ := strings.Cut(item, ";")
			if !yield(strings.ToLower(strings.TrimSpace(name))) {
				return
			}
		}
	}
}

// onlyRecordType is the type of records that a client accepts, and nothing else.
func onlyRecordType(h http.Header) (only string, is bool) {
	for name := range MediaRanges(h) {
		if only != "" || !slices.Contains(RecordTypes, name) {
			return "", false
		}
		only = name
	}
	return only, only != ""
}

// CheckEffect refuses a GET that changes something where nobody means it to.
func (x *Exchange) CheckEffect() error {
	switch {
	case x.R.Method == http.MethodHead: // it would take records and show none
		x.W.Header().Set("Allow", http.MethodGet)
		return Errorf(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed: use GET")
	case !server.SameSite(x.R.Header):
		return Errorf(http.StatusForbidden, "not served to other origins")
	}
	return nil
}
