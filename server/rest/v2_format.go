package rest

import (
	"errors"
	"mime"
	"net/http"
	"strings"
)

// format reads how the records are written from the Content-Type.
func (x *exchange) format() (format, error) {
	given := x.r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) && given != "" {
		kind = strings.ToLower(given)
	}
	if f, known := formats[kind]; known {
		return f, nil
	}
	return 0, plain(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type: %q; "+
		"sluice takes application/vnd.kafka.json.v2+json (or application/json) and application/vnd.kafka.binary.v2+json", given)
}

// formats are the media types of records, by RFC 6838 without parameters. No type at all is binary, as
// v2 has it.
var formats = map[string]format{
	"":                                     binaryFormat,
	v2Type:                                 binaryFormat,
	"application/vnd.kafka+json":           binaryFormat,
	"application/vnd.kafka.binary+json":    binaryFormat,
	"application/vnd.kafka.json+json":      jsonFormat,
	"application/octet-stream":             binaryFormat,
	"application/vnd.kafka.binary.v2+json": binaryFormat,
	"application/vnd.kafka.json.v2+json":   jsonFormat,
	jsonType:                               jsonFormat,
	// Version 1 wrote records in the same shape.
	"application/vnd.kafka.v1+json":        binaryFormat,
	"application/vnd.kafka.binary.v1+json": binaryFormat,
	"application/vnd.kafka.json.v1+json":   jsonFormat,
}

// kinds are the Content-Types of records by format.
var kinds = map[format]string{
	binaryFormat: "application/vnd.kafka.binary.v2+json",
	jsonFormat:   "application/vnd.kafka.json.v2+json",
}

var formatNames = map[format]string{jsonFormat: "json", binaryFormat: "binary"}

var instanceFormats = map[string]format{"json": jsonFormat, "binary": binaryFormat}
