package rest

import (
	"net/http"
	"strings"
	"time"
)

// route is a row of the table of all calls.
type route struct {
	method  string
	pattern string  // of http.ServeMux
	api     version // decides about the Content-Type of answers, and whether Accept is looked at
	// timeout bounds each question to the brokers; 0 is askTimeout.
	timeout time.Duration
	run     func(*exchange) error
}

const (
	askTimeout  = 5 * time.Second
	longTimeout = 10 * time.Second // of routes that ask several brokers one after the other
)

// name is the pattern as metrics and the log have it.
func (r *route) name() string { return strings.TrimSuffix(r.pattern, "{$}") }

// version is an API.
type version int

const (
	versionV2        version = iota // version 2 of the Confluent REST Proxy
	versionV1                       // our own calls, below /v1
	versionV3                       // version 3 of the Confluent REST Proxy
	versionDocuments                // what describes the door itself
)

// prefixes are the paths of versions. All other paths belong to version 2.
var prefixes = []struct {
	prefix string
	api    version
}{{"/v1/", versionV1}, {"/v3/", versionV3}}

// versionOf returns the version of a request that no route takes: its refusal has the shape of that version.
func versionOf(r *http.Request) version {
	for _, p := range prefixes {
		if strings.HasPrefix(r.URL.Path, p.prefix) {
			return p.api
		}
	}
	return versionV2
}

const (
	jsonType   = "application/json"
	v2Type     = "application/vnd.kafka.v2+json"
	ndjsonType = "application/x-ndjson"
)

// kind returns the Content-Type of an answer. Version 2 has its own type, which is plain JSON for a client that accepts
// only that.
func (v version) kind(r *http.Request) string {
	accept := r.Header.Get("Accept")
	if v == versionV1 || v == versionV3 || strings.Contains(accept, jsonType) && !strings.Contains(accept, "vnd.kafka") {
		return jsonType
	}
	return v2Type
}
