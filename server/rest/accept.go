package rest

import (
	"iter"
	"net/http"
	"regexp"
	"strings"
)

// v2Range are the media ranges of Accept that cover what REST v2 answers with: its own types, of which some say a
// version and how records are written, and what is wider.
var v2Range = regexp.MustCompile(`^(\*/\*|\*/json|application/\*|application/json|` +
	`application/vnd\.kafka(\.(binary|json|avro|jsonschema|protobuf))?(\.v[12])?\+json)$`)

// acceptable tells whether a client that reads something of REST v2 takes what it will be given. Who
// does not say takes everything.
func acceptable(r *http.Request) bool {
	if r.Method != http.MethodGet || ours(r.URL.Path) || accepted(r.Header) == "" {
		return true
	}
	for name := range mediaRanges(r.Header) {
		if v2Range.MatchString(name) {
			return true
		}
	}
	return false
}

// accepted is the whole of what the client says it takes.
func accepted(h http.Header) string { return strings.Join(h["Accept"], ",") }

// mediaRanges are what the client takes, in its order, in lower case and without parameters: a single ""
// when it does not say.
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

// ours tells the calls that are not of REST v2.
func ours(path string) bool {
	for _, prefix := range []string{"/v1/", "/v3/", "/docs", "/openapi.json"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func notAcceptable() *failure {
	return &failure{
		status: http.StatusNotAcceptable, code: codeFormat,
		message: "HTTP 406 Not Acceptable: answers are application/vnd.kafka.v2+json, or application/json",
	}
}
