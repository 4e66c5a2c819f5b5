package rest

import (
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
	accepts := strings.Join(r.Header["Accept"], ",")
	if r.Method != http.MethodGet || accepts == "" || ours(r.URL.Path) {
		return true
	}
	for item := range strings.SplitSeq(accepts, ",") {
		name, _, _ := strings.Cut(item, ";")
		if v2Range.MatchString(strings.ToLower(strings.TrimSpace(name))) {
			return true
		}
	}
	return false
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
