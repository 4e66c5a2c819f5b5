// Package recordjson is the JSON form of Kafka's records.
package recordjson

// Format is how keys and values are written.
type Format int

// The formats.
const (
	JSON   Format = iota // any JSON, which goes to Kafka as it is
	Binary               // base64
	Text                 // strings, which go to Kafka as what they say; only in calls of our own
)

// ByName has the formats as the parameter format= names them.
var ByName = map[string]Format{"": JSON, "json": JSON, "binary": Binary, "text": Text}
