//go:build kafka

package operations

import (
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// sampleRafka is as Rafka's sample file, but for where a new group begins: the test is about every record.
var sampleRafka = binding.ConfigMap{"auto.offset.reset": "earliest", "session.timeout.ms": 6000, "auto.commit.interval.ms": 10000}

// The moves of rafka_move_test.go on a real Apache Kafka, with Rafka's own intervals.
func TestTheMoveFromRafkaAndBackOnKafka(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, 5*time.Minute)
	cluster := harnesstest.Kafka(t, ctx, harness.KafkaOptions{})
	playMove(t, ctx, cluster.Brokers(), cluster.Admin, sampleRafka)
}

func TestThePortMovesFromRafkaAndBackOnKafka(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, 5*time.Minute)
	cluster := harnesstest.Kafka(t, ctx, harness.KafkaOptions{})
	playPort(t, ctx, cluster.Brokers(), cluster.Admin, sampleRafka)
}
