package record

// MaxTopic is the length of the longest name that Kafka takes for a topic, in bytes.
const MaxTopic = 249

// ValidTopic tells whether Kafka takes a name for a topic: 1 to 249 of A-Z a-z 0-9 . _ -, and neither "." nor ".."
// (org.apache.kafka.common.internals.Topic). librdkafka does not check, and panics on a long name.
func ValidTopic[Name string | []byte](name Name) bool {
	if len(name) == 0 || len(name) > MaxTopic || string(name) == "." || string(name) == ".." {
		return false
	}
	for i := range len(name) {
		if !topicByte(name[i]) {
			return false
		}
	}
	return true
}

func topicByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
