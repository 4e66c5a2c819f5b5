//go:build kafka

package resp

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The same conversations with a real Apache Kafka: one that creates topics by itself, and one that
// does not.
func TestTranscriptsKafka(t *testing.T) {
	t.Run("auto.create", func(t *testing.T) {
		playOnKafka(t, harness.KafkaOptions{}, func(s *script) bool { return !s.marked("no-auto-create") })
	})
	t.Run("no auto.create", func(t *testing.T) {
		playOnKafka(t, harness.KafkaOptions{NoAutoCreate: true}, func(s *script) bool { return s.marked("no-auto-create") })
	})
}

func playOnKafka(t *testing.T, o harness.KafkaOptions, wanted func(*script) bool) {
	t.Helper()
	ctx := harnesstest.Within(t, 3*time.Minute)
	kafka := harnesstest.Kafka(t, ctx, o)
	warmUp(t, ctx, kafka.Admin)
	eachScript(t, wanted, func(t *testing.T, s *script, proto int) {
		t.Parallel()
		playOnProxy(t, s, "kafka", kafka.Brokers(), proto)
	})
}

// warmUp lets the cluster create the topic in which groups commit, once and not in a transcript.
func warmUp(t *testing.T, ctx context.Context, admin *harness.Admin) {
	t.Helper()
	harnesstest.Topic(t, ctx, admin, "warm-up", 1)
	if _, err := admin.Committed(ctx, "warm-up", "warm-up", 0); err != nil {
		t.Fatal(err)
	}
}
