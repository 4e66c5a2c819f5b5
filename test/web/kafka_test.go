//go:build kafka

package web

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// The same conversations on a real Apache Kafka.
func TestConversationsKafka(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	kafka, err := harness.StartKafka(ctx, harness.KafkaOptions{Properties: map[string]string{
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found": "true",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kafka.Close(); err != nil {
			t.Error(err)
		}
	})
	playAll(t, kafka.Brokers())
}
