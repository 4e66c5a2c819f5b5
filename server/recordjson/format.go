// Package recordjson is the JSON form of Kafka's records.
package recordjson

// Format is how keys and values are written.
type Format int

// The formats.
const (
	JSON   Format = iota // any JSON; Kafka gets its text
	Binary               // base64
	Text                 // strings; Kafka gets their content
)

// ByName has the formats as the parameter format= names them.
var ByName = map[string]Format{"": JSON, "json": JSON, "binary": Binary, "text": Text}
