package v2

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// recordFormat returns how the records are written, by the Content-Type.
func recordFormat(x *exchange.Exchange) (recordjson.Format, error) {
	given := x.R.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) && given != "" {
		kind = strings.ToLower(given)
	}
	if f, known := formats[kind]; known {
		return f, nil
	}
	return 0, exchange.Errorf(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type: %q; "+
		"sluice takes application/vnd.kafka.json.v2+json (or application/json), application/vnd.kafka.binary.v2+json and application/vnd.kafka.text.v2+json", given)
}

// formats are the media types of records, without parameters (RFC 6838). Without a type records are binary, as in the
// Confluent REST Proxy.
var formats = map[string]recordjson.Format{
	"":                                     recordjson.Binary,
	exchange.V2Type:                        recordjson.Binary,
	"application/vnd.kafka+json":           recordjson.Binary,
	"application/vnd.kafka.binary+json":    recordjson.Binary,
	"application/vnd.kafka.json+json":      recordjson.JSON,
	"application/octet-stream":             recordjson.Binary,
	"application/vnd.kafka.binary.v2+json": recordjson.Binary,
	"application/vnd.kafka.json.v2+json":   recordjson.JSON,
	"application/vnd.kafka.text.v2+json":   recordjson.Text,
	exchange.JSONType:                      recordjson.JSON,
	// Version 1 wrote records in the same shape.
	"application/vnd.kafka.v1+json":        recordjson.Binary,
	"application/vnd.kafka.binary.v1+json": recordjson.Binary,
	"application/vnd.kafka.json.v1+json":   recordjson.JSON,
}

// contentTypes are the media types of lists of records.
var contentTypes = map[recordjson.Format]string{
	recordjson.Binary: "application/vnd.kafka.binary.v2+json",
	recordjson.JSON:   "application/vnd.kafka.json.v2+json",
	recordjson.Text:   "application/vnd.kafka.text.v2+json",
}

// formatNames are the formats as the settings of an instance name them.
var formatNames = map[recordjson.Format]string{recordjson.JSON: "json", recordjson.Binary: "binary", recordjson.Text: "text"}

var instanceFormats = map[string]recordjson.Format{"json": recordjson.JSON, "binary": recordjson.Binary, "text": recordjson.Text}
