package failures

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// letterPrefix begins the names of dead-letter topics, as KIP-1191 has it. One prefixed ACL covers them all.
const letterPrefix = "dlq."

// hashed matches the end of a name that has a hash.
var hashed = regexp.MustCompile(`-[0-9a-f]{8}$`)

// TopicName is the name of a topic's dead-letter topic for a group: dlq.<topic>.<group>.
//
// No two pairs share a name. The last dot ends the topic, so a group with a dot gets a hash of both names behind its own. So does
// a group with characters that topics cannot have, and one whose name ends as a hash would. So do names that are too long for
// Kafka, which are cut.
func TopicName(topic, group string) string {
	kept := strings.Map(func(r rune) rune {
		if r == '.' || !record.ValidTopic("x"+string(r)) {
			return '_'
		}
		return r
	}, group)
	name := letterPrefix + topic + "." + kept
	if kept == group && group != "" && len(name) <= record.MaxTopic && !hashed.MatchString(group) {
		return name
	}
	sum := sha256.Sum256([]byte(topic + "\x00" + group)) // topics have no zero byte
	hash := "-" + hex.EncodeToString(sum[:4])
	return name[:min(len(name), record.MaxTopic-len(hash))] + hash
}

// IsLetterTopic tells a dead-letter topic by its name. Records of such a topic have no dead letters.
func IsLetterTopic(name string) bool { return strings.HasPrefix(name, letterPrefix) }

// IsLetterTopic tells a dead-letter topic by its name, or because a policy names it.
func (ps Policies) IsLetterTopic(name string) bool { return ps.holdsDeadLetters(name) }
