//go:build kafka

package rest

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The same conversations on a real Apache Kafka.
func TestConversationsKafka(t *testing.T) {
	kafka := harnesstest.Kafka(t, harnesstest.Within(t, 3*time.Minute), harness.KafkaOptions{Properties: map[string]string{
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found": "true",
	}})
	playAll(t, kafka.Brokers())
}
