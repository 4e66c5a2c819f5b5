package exchange

import (
	"net/http"
	"strings"
	"time"
)

// Route is a row of the table of all calls.
type Route struct {
	Method  string
	Pattern string  // of http.ServeMux
	API     Version // decides about the Content-Type of answers, and whether Accept is looked at
	// Timeout bounds each question to the brokers; 0 is AskTimeout.
	Timeout time.Duration
	// Open says that the call needs no password, and is never one too many for MaxRequests.
	Open bool
	Run  func(*Exchange) error
	// Records says that answers are records. A client that accepts only one of their types gets refusals in it as well, as
	// from Confluent's proxy.
	Records bool
}

// What a question to the brokers may take.
const (
	AskTimeout  = 5 * time.Second
	LongTimeout = 10 * time.Second // of routes that ask several brokers one after the other
)

// Name is the pattern as metrics and the log have it.
func (r *Route) Name() string { return strings.TrimSuffix(r.Pattern, "{$}") }

// Version is an API.
type Version int

// The versions.
const (
	V2        Version = iota // version 2 of the Confluent REST Proxy
	V1                       // our own calls, below /v1
	V3                       // version 3 of the Confluent REST Proxy
	Documents                // what describes the door itself
)

// prefixes are the paths of versions. All other paths belong to version 2.
var prefixes = []struct {
	prefix string
	api    Version
}{{"/v1/", V1}, {"/v3/", V3}}

// versionOf returns the version of a request that no route takes: its refusal has the shape of that version.
func versionOf(r *http.Request) Version {
	for _, p := range prefixes {
		if strings.HasPrefix(r.URL.Path, p.prefix) {
			return p.api
		}
	}
	return V2
}

// Media types.
const (
	JSONType   = "application/json"
	V2Type     = "application/vnd.kafka.v2+json"
	NDJSONType = "application/x-ndjson"
)

// RecordTypes are the types of records of version 2, one for each format.
var RecordTypes = []string{"application/vnd.kafka.json.v2+json", "application/vnd.kafka.binary.v2+json", "application/vnd.kafka.text.v2+json"}

// kind returns the Content-Type of an answer. Version 2 has its own type, which is plain JSON for a client that accepts
// only that.
func (v Version) kind(r *http.Request) string {
	accept := r.Header.Get("Accept")
	if v == V1 || v == V3 || strings.Contains(accept, JSONType) && !strings.Contains(accept, "vnd.kafka") {
		return JSONType
	}
	return V2Type
}
