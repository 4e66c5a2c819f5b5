package kafka

import (
	"context"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Beginning as the Offset of a Place to seek is the first record that there is (RD_KAFKA_OFFSET_BEGINNING).
const Beginning int64 = -2

// Ends are the places behind the last records of partitions that exist, as of now. Its errors are those of
// Topic.
func (c *Cluster) Ends(ctx context.Context, partitions []TopicPartition) ([]Place, error) {
	return c.whence(ctx, askAll(partitions, binding.LatestOffsetSpec))
}

// Since are the places of the first records that are not older, or behind the last one where all are. Its
// errors are those of Ends.
func (c *Cluster) Since(ctx context.Context, times map[TopicPartition]time.Time) ([]Place, error) {
	specs := map[TopicPartition]binding.OffsetSpec{}
	for tp, at := range times {
		specs[tp] = binding.OffsetSpec(max(0, at.UnixMilli()))
	}
	places, err := c.whence(ctx, specs)
	if err != nil {
		return nil, err
	}
	var found []Place
	var older []TopicPartition
	for _, p := range places {
		if p.Offset < 0 {
			older = append(older, p.TopicPartition)
			continue
		}
		found = append(found, p)
	}
	ends, err := c.Ends(ctx, older)
	return append(found, ends...), err
}

// whence asks the leaders of partitions for offsets.
func (c *Cluster) whence(ctx context.Context, specs map[TopicPartition]binding.OffsetSpec) (places []Place, err error) {
	if len(specs) == 0 {
		return nil, nil
	}
	err = c.read(ctx, func(ctx context.Context, a *Admin) error {
		offsets, err := a.offsetsOf(ctx, specs)
		for tp, offset := range offsets {
			places = append(places, Place{tp, offset})
		}
		return err
	})
	return places, err
}
