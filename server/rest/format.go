package rest

// format is how keys and values are written in a body.
type format int

const (
	jsonFormat   format = iota // any JSON, which goes to Kafka as it is
	binaryFormat               // base64
	textFormat                 // strings, which go to Kafka as what they say; only in calls of our own
)

// bulkFormats are what format= may be.
var bulkFormats = map[string]format{"": jsonFormat, "json": jsonFormat, "binary": binaryFormat, "text": textFormat}
