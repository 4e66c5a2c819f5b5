package v2

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// seekBody is where a client wants to go on: at offsets, or at the first records since some time.
type seekBody struct {
	offsets []kafka.PartitionOffset
	times   map[kafka.TopicPartition]time.Time
}

// seek sets positions. Records of the partitions that were not committed are forgotten, and buffered ones are dropped.
// Partitions that other instances have records of cannot be sought.
func seek(x *exchange.Exchange, in *instance) error {
	body, err := neededBody(x)
	if err != nil {
		return err
	}
	t := seekBody{times: map[kafka.TopicPartition]time.Time{}}
	err = jsonscan.EachField(body, "the body", func(name string, raw []byte) error {
		switch name {
		case "offsets":
			return t.setOffsets(raw)
		case "timestamps":
			return t.setTimes(raw)
		}
		return exchange.Invalid("Unrecognized field: %s", name)
	})
	if err != nil {
		return err
	}
	t.settle()
	return seekPartitions(x, in, t.partitions(), func() ([]kafka.PartitionOffset, error) { return resolve(x, t) })
}

func (t *seekBody) setOffsets(raw []byte) error {
	all, err := readPartitionOffsets(raw, "offsets", "offset")
	for i := range all {
		t.offsets = append(t.offsets, kafka.PartitionOffset{TopicPartition: all[i].TopicPartition, Offset: all[i].offset})
	}
	return err
}

// settle leaves one position of each partition: the last one, and a time rather than an offset, as in Confluent's proxy.
func (t *seekBody) settle() {
	t.offsets = slices.DeleteFunc(lastOfEach(t.offsets), func(p kafka.PartitionOffset) bool {
		_, also := t.times[p.TopicPartition]
		return also
	})
}

func (t *seekBody) setTimes(raw []byte) error {
	all, err := readPartitionOffsets(raw, "timestamps", "timestamp")
	if err != nil {
		return err
	}
	for i := range all {
		at, err := timeOf(all[i].timestamp)
		if err != nil {
			return err
		}
		t.times[all[i].TopicPartition] = at
	}
	return nil
}

// times are the forms of ISO 8601 that are understood. Without a zone a time is UTC.
var times = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02"}

// timeOf reads a time as ISO 8601 has it, or as milliseconds since 1970.
func timeOf(text string) (time.Time, error) {
	if millis, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.UnixMilli(int64(millis)), nil //nolint:gosec // at most 63 bits
	}
	for _, shape := range times {
		if at, err := time.Parse(shape, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, exchange.Invalid("\"timestamp\": %q is not a time as ISO 8601 has it, such as 2026-01-01T00:00:00Z", text)
}

// partitions returns all that are sought.
func (t *seekBody) partitions() []kafka.TopicPartition {
	var list []kafka.TopicPartition
	for _, p := range t.offsets {
		list = append(list, p.TopicPartition)
	}
	for tp := range t.times {
		list = append(list, tp)
	}
	return list
}

// resolve returns the offsets of all that are sought.
func resolve(x *exchange.Exchange, t seekBody) ([]kafka.PartitionOffset, error) {
	ctx, cancel := x.AskContext()
	defer cancel()
	found, err := x.Kafka.OffsetsForTimes(ctx, t.times)
	return append(t.offsets, found...), err
}

func seekBeginning(x *exchange.Exchange, in *instance) error {
	return seekEach(x, in, func(partitions []kafka.TopicPartition) (offsets []kafka.PartitionOffset, err error) {
		for _, tp := range partitions {
			offsets = append(offsets, kafka.PartitionOffset{TopicPartition: tp, Offset: kafka.Beginning})
		}
		return offsets, nil
	})
}

// seekEnd asks for the end before it answers: the client reads what is produced after the answer.
func seekEnd(x *exchange.Exchange, in *instance) error {
	return seekEach(x, in, func(partitions []kafka.TopicPartition) ([]kafka.PartitionOffset, error) {
		ctx, cancel := x.AskContext()
		defer cancel()
		return x.Kafka.EndOffsets(ctx, partitions)
	})
}

// seekEach seeks the partitions of the body.
func seekEach(x *exchange.Exchange, in *instance, where func([]kafka.TopicPartition) ([]kafka.PartitionOffset, error)) error {
	body, err := neededBody(x)
	if err != nil {
		return err
	}
	partitions, err := readPartitions(body)
	if err != nil {
		return err
	}
	return seekPartitions(x, in, partitions, func() ([]kafka.PartitionOffset, error) { return where(partitions) })
}

// seekPartitions answers when the partitions go on at the offsets.
func seekPartitions(x *exchange.Exchange, in *instance, partitions []kafka.TopicPartition, where func() ([]kafka.PartitionOffset, error)) error {
	if err := in.has(partitions); err != nil && !in.joining() {
		return err
	}
	offsets, err := where()
	if err != nil {
		return err
	}
	err = in.inTurn(x, func() error { return in.seek(x, offsets) })
	if err != nil {
		return err
	}
	x.Send(http.StatusNoContent, nil)
	return nil
}

// joining reports whether partitions may still be assigned. Seeking waits for that.
func (in *instance) joining() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.member != nil && in.member.Joining()
}

func (in *instance) seek(x *exchange.Exchange, offsets []kafka.PartitionOffset) error {
	member, err := in.currentMember()
	if err != nil {
		return err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	err = member.Seek(ctx, offsets)
	if errors.Is(err, kafka.ErrNotHere) {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range offsets {
		in.forget(p.TopicPartition)
	}
	return err
}
