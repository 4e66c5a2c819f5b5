package harness

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync/atomic"
	"time"

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

// ProduceBatches writes to every partition of a topic one batch of so many records, all the same, compressed by
// codec: gzip, lz4 or zstd.
func (a *Admin) ProduceBatches(ctx context.Context, topic, codec string, partitions, records int, value []byte) error {
	codecs := map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	const more, usualBatch = 100, 1 << 20 // bytes of a batch that are no value, for each record; and of a batch, at least
	client, err := kgo.NewClient(
		kgo.SeedBrokers(a.brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerLinger(time.Minute), // until all are there: Flush ends it
		kgo.MaxBufferedRecords(partitions*records),
		kgo.ProducerBatchMaxBytes(int32(max(usualBatch, records*(len(value)+more)))),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	var failed atomic.Pointer[error]
	for p := range partitions {
		for range records {
			r := &kgo.Record{Topic: topic, Partition: int32(p), Value: value}
			client.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		}
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// RawBatch is a batch of n records as it lies in the log (https://kafka.apache.org/documentation/#recordbatch);
// attributes name how body is packed.
func RawBatch(attributes int16, n int, body []byte) []byte {
	const rest = 49 // bytes from its leader's epoch to its records
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: attributes, LastOffsetDelta: int32(n - 1), NumRecords: int32(n),
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: body, Length: int32(rest + len(body)),
	}
	raw := b.AppendTo(nil)
	const crcAt, after = 17, 21
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[after:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// WriteBatch appends a batch, as it lies in the log, to the first partition of a topic.
func (a *Admin) WriteBatch(ctx context.Context, topic string, raw []byte) error {
	id, err := a.TopicID(ctx, topic)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, topicTimeoutMillis
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topic, id
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = raw
	t.Partitions = append(t.Partitions, partition)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// EndOffsets is the offset after the last record of each partition, by partition.
func (a *Admin) EndOffsets(ctx context.Context, topic string) ([]int64, error) {
	return a.offsets(ctx, topic, atEnd)
}

// StartOffsets is the offset of the first record of each partition, by partition.
func (a *Admin) StartOffsets(ctx context.Context, topic string) ([]int64, error) {
	return a.offsets(ctx, topic, atStart)
}

// What ListOffsets takes in the place of a time.
const (
	atEnd   = -1
	atStart = -2
)

func (a *Admin) offsets(ctx context.Context, topic string, at int64) ([]int64, error) {
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
		part.Partition, part.Timestamp = int32(p), at
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	offsets := make([]int64, n)
	for _, shard := range a.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, shard.Err
		}
		if err := fillOffsets(offsets, shard.Resp); err != nil {
			return nil, err
		}
	}
	return offsets, nil
}

func fillOffsets(to []int64, resp kmsg.Response) error {
	answer, ok := resp.(*kmsg.ListOffsetsResponse)
	if !ok {
		return fmt.Errorf("%T answered ListOffsets", resp)
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("offset of %s/%d: %w", t.Topic, p.Partition, err)
			}
			to[p.Partition] = p.Offset
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
	starts, err := a.StartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	assignment := map[int32]kgo.Offset{}
	byPartition := make([][]*kgo.Record, len(ends))
	left := int64(0)
	for p, end := range ends {
		assignment[int32(p)] = kgo.NewOffset().AtStart()
		left += end - starts[p]
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
