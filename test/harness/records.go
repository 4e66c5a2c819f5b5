package harness

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Produce writes values to one partition of a topic, in order, and returns once all replicas that
// are in sync have them. A nil key means none.
func (a *Admin) Produce(ctx context.Context, topic string, partition int32, key []byte, values ...string) error {
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Key: key, Value: []byte(v)}
	}
	return a.client.ProduceSync(ctx, records...).FirstErr()
}

// EndOffsets is the offset after the last record of each partition, by partition.
func (a *Admin) EndOffsets(ctx context.Context, topic string) ([]int64, error) {
	n, err := a.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for p := range n {
		part := kmsg.NewListOffsetsRequestTopicPartition()
		part.Partition, part.Timestamp = int32(p), -1 // -1: the end
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	ends := make([]int64, n)
	for _, shard := range a.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, shard.Err
		}
		if err := fillEnds(ends, shard.Resp); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

func fillEnds(ends []int64, resp kmsg.Response) error {
	offsets, ok := resp.(*kmsg.ListOffsetsResponse)
	if !ok {
		return fmt.Errorf("%T answered ListOffsets", resp)
	}
	for _, t := range offsets.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("end of %s/%d: %w", t.Topic, p.Partition, err)
			}
			ends[p.Partition] = p.Offset
		}
	}
	return nil
}

// Records reads everything a topic holds now, by partition and then by offset.
func (a *Admin) Records(ctx context.Context, topic string) ([]*kgo.Record, error) {
	ends, err := a.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	assignment := map[int32]kgo.Offset{}
	byPartition := make([][]*kgo.Record, len(ends))
	left := int64(0)
	for p, end := range ends {
		assignment[int32(p)] = kgo.NewOffset().AtStart()
		left += end
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(a.brokers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assignment}))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for left > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			byPartition[r.Partition] = append(byPartition[r.Partition], r)
			left--
		})
	}
	var all []*kgo.Record
	for _, records := range byPartition {
		all = append(all, records...)
	}
	return all, nil
}
