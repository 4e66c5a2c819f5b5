package cluster

import (
	"context"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Beginning as the Offset of a PartitionOffset to seek is the first record that there is (RD_KAFKA_OFFSET_BEGINNING).
const Beginning int64 = -2

// EndOffsets are the offsets behind the last records of partitions that exist, as of now. The errors are those of Topic.
func (c *Cluster) EndOffsets(ctx context.Context, partitions []record.TopicPartition) ([]record.PartitionOffset, error) {
	return c.offsetsFor(ctx, ForAll(partitions, binding.LatestOffsetSpec))
}

// OffsetsForTimes are the offsets of the first records that are not older, or behind the last one where all are. The
// errors are those of EndOffsets.
func (c *Cluster) OffsetsForTimes(ctx context.Context, times map[record.TopicPartition]time.Time) ([]record.PartitionOffset, error) {
	specs := map[record.TopicPartition]binding.OffsetSpec{}
	for tp, at := range times {
		specs[tp] = binding.OffsetSpec(max(0, at.UnixMilli()))
	}
	offsets, err := c.offsetsFor(ctx, specs)
	if err != nil {
		return nil, err
	}
	var found []record.PartitionOffset
	var older []record.TopicPartition
	for _, p := range offsets {
		if p.Offset < 0 {
			older = append(older, p.TopicPartition)
			continue
		}
		found = append(found, p)
	}
	ends, err := c.EndOffsets(ctx, older)
	return append(found, ends...), err
}

// offsetsFor asks the leaders of partitions for offsets.
func (c *Cluster) offsetsFor(ctx context.Context, specs map[record.TopicPartition]binding.OffsetSpec) (list []record.PartitionOffset, err error) {
	if len(specs) == 0 {
		return nil, nil
	}
	err = c.Query(ctx, func(ctx context.Context, a *Admin) error {
		offsets, err := a.offsetsOf(ctx, specs)
		for tp, offset := range offsets {
			list = append(list, record.PartitionOffset{TopicPartition: tp, Offset: offset})
		}
		return err
	})
	return list, err
}
