package kafka

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Who reads is in no group, so that there is none afterwards.
func TestAReadingLeavesNoGroup(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 3, nil)
	page, err := c.Read(kafkatest.Bounded(t), reader.ReadRequest{Target: cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters"}}, Records: 100, Bytes: 1 << 20})
	if err != nil || len(page.Records) != 3 {
		t.Fatalf("%v %v", page, err)
	}
	if groups, err := c.Groups(kafkatest.Bounded(t)); err != nil || len(groups) > 0 {
		t.Errorf("a reading left a trace: %v %v", groups, err)
	}
}
