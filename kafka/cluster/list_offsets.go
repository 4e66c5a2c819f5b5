package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// errNoLeader is why nobody tells a partition's offsets.
var errNoLeader = errors.New("no broker says that it leads this partition")

// offsets asks the leaders of all partitions in one request per broker; one that has no answer is an error.
func (a *Admin) offsets(ctx context.Context, partitions []record.TopicPartition, spec binding.OffsetSpec) (map[record.TopicPartition]int64, error) {
	return a.offsetsOf(ctx, ForAll(partitions, spec))
}

// offsetsOf is offsets with a question of its own for each partition. A time that all records are older than
// is answered with -1.
func (a *Admin) offsetsOf(ctx context.Context, specs map[record.TopicPartition]binding.OffsetSpec) (map[record.TopicPartition]int64, error) {
	offsets, failed, err := a.ListOffsets(ctx, specs)
	for tp, why := range failed {
		return nil, fmt.Errorf("offset of %s: %w", tp, why)
	}
	return offsets, err
}

// ListOffsets is offsetsOf that tells apart which partitions have no answer. It asks once more for partitions whose
// leaders the binding's client does not know.
func (a *Admin) ListOffsets(ctx context.Context, specs map[record.TopicPartition]binding.OffsetSpec) (offsets map[record.TopicPartition]int64, failed map[record.TopicPartition]error, err error) {
	offsets, failed, err = a.askLeaders(ctx, specs)
	if err == nil && a.relearn(ctx, failed) {
		return a.askLeaders(ctx, specs)
	}
	return offsets, failed, err
}

// relearn has the binding's client ask again for topics whose leaders it does not know, but the brokers do. It remembers
// topics for minutes, and so does not know partitions that were added meanwhile. It returns false if it learnt nothing.
func (a *Admin) relearn(ctx context.Context, failed map[record.TopicPartition]error) (learnt bool) {
	ctx, cancel := context.WithTimeout(ctx, TurnTime)
	defer cancel()
	for _, topic := range a.ledAgain(ctx, failed) {
		if client, err := a.binding(); err == nil && ctx.Err() == nil {
			_, err = client.GetMetadata(&topic, false, MillisLeft(ctx))
			learnt = learnt || err == nil
		}
	}
	return learnt
}

// mostRelearnt bounds the topics that one question for offsets asks for again.
const mostRelearnt = 10

// ledAgain returns the topics of failed partitions that have a leader. It asks without creating topics, which the
// binding's client would do where brokers create them.
func (a *Admin) ledAgain(ctx context.Context, failed map[record.TopicPartition]error) (led []string) {
	names := map[string]bool{}
	for tp, why := range failed {
		if errors.Is(why, errNoLeader) && len(names) < mostRelearnt {
			names[tp.Topic] = true
		}
	}
	if len(names) == 0 {
		return nil
	}
	found, err := a.TopicsByName(ctx, slices.Collect(maps.Keys(names)))
	if err != nil {
		return nil
	}
	for i := range found {
		t := topicOf(&found[i])
		if slices.ContainsFunc(t.Partitions, func(p PartitionInfo) bool {
			return p.Leader >= 0 && failed[record.TopicPartition{Topic: t.Name, Partition: p.ID}] != nil
		}) {
			led = append(led, t.Name)
		}
	}
	return led
}

// askLeaders asks every leader once.
//
// librdkafka leaves a partition without an error and with an offset of -1001 (RD_KAFKA_OFFSET_INVALID) when it
// loses sight of the leader while it asks: whoever believed that would seek or count from nowhere.
func (a *Admin) askLeaders(ctx context.Context, specs map[record.TopicPartition]binding.OffsetSpec) (offsets map[record.TopicPartition]int64, failed map[record.TopicPartition]error, err error) {
	if len(specs) == 0 {
		return nil, nil, nil
	}
	query := map[binding.TopicPartition]binding.OffsetSpec{}
	offsets, failed = map[record.TopicPartition]int64{}, map[record.TopicPartition]error{}
	for tp, spec := range specs {
		query[binding.TopicPartition{Topic: &tp.Topic, Partition: tp.Partition}] = spec
		failed[tp] = errNoLeader // until it is answered
	}
	client, err := a.binding()
	if err != nil {
		return nil, nil, err
	}
	result, err := client.ListOffsets(ctx, query, requestTimeout(ctx))
	if kerr.CodeOf(err) == librdkafka.NoEntry { // none of them has a leader
		return offsets, failed, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for key, info := range result.ResultInfos {
		tp := record.TopicPartition{Topic: *key.Topic, Partition: key.Partition}
		switch {
		case info.Error.Code() != binding.ErrNoError:
			failed[tp] = info.Error
		case info.Offset != binding.OffsetInvalid:
			offsets[tp] = int64(info.Offset)
			delete(failed, tp)
		}
	}
	return offsets, failed, nil
}

// ForAll asks the same of all partitions.
func ForAll(partitions []record.TopicPartition, spec binding.OffsetSpec) map[record.TopicPartition]binding.OffsetSpec {
	specs := map[record.TopicPartition]binding.OffsetSpec{}
	for _, tp := range partitions {
		specs[tp] = spec
	}
	return specs
}
