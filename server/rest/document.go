package rest

import (
	"crypto/sha256"
	_ "embed" // openapi.json
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// documentRoutes describe the door itself.
var documentRoutes = []route{
	{http.MethodGet, "/openapi.json", openapi.answer},
}

// openapiText is merged from the fragments in openapi/.
//
//go:generate go test -run TestOpenAPI -update
//go:embed openapi.json
var openapiText []byte

var openapi = newDocument(jsonType, openapiText)

// document is a text that is the same for everybody until another sluice is installed.
type document struct {
	kind string
	text []byte
	tag  string // its ETag (RFC 9110, 8.8.3)
}

func newDocument(kind string, text []byte) *document {
	sum := sha256.Sum256(text)
	return &document{kind: kind, text: text, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// answer sends the text, unless the client has it already.
func (d *document) answer(x *exchange) error {
	header := x.w.Header()
	header.Set("ETag", d.tag)
	header.Set("Cache-Control", "no-cache") // may be kept, but asked for each time: it costs one round trip
	header.Set("X-Content-Type-Options", "nosniff")
	if x.has(d.tag) {
		x.status = http.StatusNotModified
		x.w.WriteHeader(x.status)
		return nil
	}
	header.Set("Content-Type", d.kind)
	header.Set("Content-Length", strconv.Itoa(len(d.text)))
	x.status = http.StatusOK
	x.w.WriteHeader(x.status)
	_, _ = x.w.Write(d.text) // a client that does not take it is its own trouble
	return nil
}

// has tells whether the client named the tag in If-None-Match (RFC 9110, 13.1.2: weak ones count, * is any).
func (x *exchange) has(tag string) bool {
	for given := range strings.SplitSeq(strings.Join(x.r.Header.Values("If-None-Match"), ","), ",") {
		given = strings.TrimPrefix(strings.TrimSpace(given), "W/")
		if given == tag || given == "*" {
			return true
		}
	}
	return false
}
