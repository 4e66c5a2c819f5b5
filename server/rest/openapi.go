package rest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// documentRoutes are the calls that describe the door itself.
func documentRoutes() []exchange.Route {
	return []exchange.Route{
		{Method: http.MethodGet, Pattern: "/openapi.json", API: exchange.Documents, Run: openapi.answer},
		{Method: http.MethodGet, Pattern: "/docs", API: exchange.Documents, Run: docs.answer},
	}
}

// OpenAPI is the document. A test merges it from the fragments in openapi/.
//
//go:generate go test -run TestOpenAPI -update
//go:embed openapi.json
var OpenAPI []byte

//go:embed docs.html
var page []byte

var (
	openapi = newDocument(exchange.JSONType, OpenAPI, "default-src 'none'")
	docs    = newDocument("text/html; charset=utf-8", page, policyOf(page))
)

// policyOf returns a Content-Security-Policy (https://www.w3.org/TR/CSP3/). The page may run its own script and style,
// and ask the door; nothing else.
func policyOf(page []byte) string {
	hash := func(element string) string {
		_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
		text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
		sum := sha256.Sum256(text)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; connect-src 'self'; script-src " + hash("script") + "; style-src " + hash("style") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// document is a text that stays the same until another sluice is installed.
type document struct {
	kind   string
	text   []byte
	tag    string // its ETag (RFC 9110, 8.8.3); weak, for the text may be compressed
	policy string // Content-Security-Policy
}

func newDocument(kind string, text []byte, policy string) *document {
	sum := sha256.Sum256(text)
	return &document{kind: kind, text: text, tag: `W/"` + hex.EncodeToString(sum[:8]) + `"`, policy: policy}
}

// answer sends the text, unless the client has it already.
func (d *document) answer(x *exchange.Exchange) error {
	header := x.W.Header()
	header.Set("ETag", d.tag)
	header.Set("Cache-Control", "no-cache") // may be kept, but must be checked each time
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", d.policy)
	if hasTag(x, d.tag) {
		header.Set("Vary", "Accept-Encoding")
		x.Status = http.StatusNotModified
		x.W.WriteHeader(x.Status)
		return nil
	}
	header.Set("Content-Type", d.kind)
	text := x.Compressed(d.text)
	header.Set("Content-Length", strconv.Itoa(len(text)))
	x.Status = http.StatusOK
	x.W.WriteHeader(x.Status)
	_ = x.WriteBody(text) // the answer ends here anyway
	return nil
}

// hasTag reports whether the client named the tag in If-None-Match. A weak tag equals a strong one, and * is any (RFC
// 9110, 13.1.2).
func hasTag(x *exchange.Exchange, tag string) bool {
	for given := range strings.SplitSeq(strings.Join(x.R.Header.Values("If-None-Match"), ","), ",") {
		given = strings.TrimPrefix(strings.TrimSpace(given), "W/")
		if given == strings.TrimPrefix(tag, "W/") || given == "*" {
			return true
		}
	}
	return false
}
