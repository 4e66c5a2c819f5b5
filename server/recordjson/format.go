package recordjson

// Format is how keys and values are written in a body.
type Format int

const (
	JSON   Format = iota // any JSON, which goes to Kafka as it is
	Binary               // base64
	Text                 // strings, which go to Kafka as what they say; only in calls of our own
)

// ByName are what format= may be.
var ByName = map[string]Format{"": JSON, "json": JSON, "binary": Binary, "text": Text}
