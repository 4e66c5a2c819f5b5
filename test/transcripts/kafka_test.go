//go:build kafka

package transcripts

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
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
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	kafka, err := harness.StartKafka(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kafka.Close(); err != nil {
			t.Error(err)
		}
	})
	warmUp(t, ctx, kafka.Brokers())
	eachScript(t, wanted, func(t *testing.T, s *script, proto int) {
		t.Parallel()
		playOnProxy(t, s, "kafka", kafka.Brokers(), proto)
	})
}

// warmUp lets the cluster create the topic in which groups commit, once and not in a transcript.
func warmUp(t *testing.T, ctx context.Context, brokers []string) {
	t.Helper()
	admin, err := harness.OpenAdmin(brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(ctx, "warm-up", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Committed(ctx, "warm-up", "warm-up", 0); err != nil {
		t.Fatal(err)
	}
}
