package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Target says where a group is to go on in a partition.
type Target struct {
	record.TopicPartition
	// Offset is the next one, or Earliest, Latest or AtTime.
	Offset int64
	// Time is in milliseconds since the epoch: the first record that is not older, or the end.
	Time int64
}

// What a Target's Offset may be besides one.
const (
	Latest   int64 = -1
	Earliest int64 = -2
	AtTime   int64 = -3
)

// BeyondError says that a Target is an offset which its partition does not hold.
type BeyondError struct {
	Target
	Begin, End int64
}

func (e *BeyondError) Error() string {
	return fmt.Sprintf("offset %d of %s: it holds %d up to %d", e.Offset, e.TopicPartition, e.Begin, e.End)
}

// SetGroupOffsets makes a group go on at the targets, and returns its new offsets. Of a group whose members
// are this sluice's clients the partitions are sought: what they hold of them counts no more. A group
// that others serve must have no members: ErrForeign, ErrNotHere. ErrMaybe says that it may be done, a
// *BeyondError, ErrNoTopic and ErrNoPartition that nothing was.
func (c *Cluster) SetGroupOffsets(ctx context.Context, group string, targets []Target) ([]GroupOffset, error) {
	offsets, err := c.resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	if err := c.moveTo(ctx, group, offsets); err != nil {
		return nil, err
	}
	c.log.Info("group moved", "group", group, "partitions", len(offsets), "to", shown(offsets))
	partitions, committed := []record.TopicPartition(nil), map[record.TopicPartition]int64{}
	for _, p := range offsets {
		partitions = append(partitions, p.TopicPartition)
		committed[p.TopicPartition] = p.Offset
	}
	return c.measure(ctx, partitions, committed)
}

// GroupMove is where a group goes on in a partition, and where it was.
type GroupMove struct {
	record.TopicPartition
	From, To, End int64 // From is -1 when it had committed nothing
}

// PlanGroupOffsets tells what SetGroupOffsets would do, and does nothing.
func (c *Cluster) PlanGroupOffsets(ctx context.Context, group string, targets []Target) ([]GroupMove, error) {
	offsets, err := c.resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	var partitions []record.TopicPartition
	for _, p := range offsets {
		partitions = append(partitions, p.TopicPartition)
	}
	committed, err := c.committed(ctx, group, partitions)
	if err != nil && kerr.CodeOf(err) != librdkafka.NoGroup {
		return nil, err
	}
	_, ends, err := c.LogBounds(ctx, partitions)
	if err != nil {
		return nil, err
	}
	var moves []GroupMove
	for _, p := range offsets {
		move := GroupMove{p.TopicPartition, -1, p.Offset, ends[p.TopicPartition]}
		if at, is := committed[p.TopicPartition]; is {
			move.From = at
		}
		moves = append(moves, move)
	}
	return moves, nil
}

// resolve finds the offsets of targets.
func (c *Cluster) resolve(ctx context.Context, targets []Target) ([]record.PartitionOffset, error) {
	if err := c.exist(ctx, targets); err != nil {
		return nil, err
	}
	var partitions []record.TopicPartition
	for i := range targets {
		partitions = append(partitions, targets[i].TopicPartition)
	}
	begins, ends, err := c.LogBounds(ctx, partitions)
	if err != nil {
		return nil, err
	}
	times, err := c.OffsetsAt(ctx, targets)
	if err != nil {
		return nil, err
	}
	var offsets []record.PartitionOffset
	for i := range targets {
		t := &targets[i]
		begin, known := begins[t.TopicPartition]
		end, too := ends[t.TopicPartition]
		at := t.Offset
		switch {
		case !known || !too:
			return nil, fmt.Errorf("%w: for partition %s", kerr.ErrNoAnswer, t.TopicPartition)
		case at == Earliest:
			at = begin
		case at == Latest:
			at = end
		case at == AtTime:
			at = times[t.TopicPartition]
			if at < 0 { // nothing is that young
				at = end
			}
		case at < begin || at > end:
			return nil, &BeyondError{*t, begin, end}
		}
		offsets = append(offsets, record.PartitionOffset{TopicPartition: t.TopicPartition, Offset: at})
	}
	return offsets, nil
}

// exist makes sure that there are such partitions: librdkafka waits for one that there is not.
func (c *Cluster) exist(ctx context.Context, targets []Target) error {
	names := map[string]bool{}
	for i := range targets {
		names[targets[i].Topic] = true
	}
	all, err := c.partitionsOf(ctx, slices.Collect(maps.Keys(names)))
	if err != nil {
		return err
	}
	known := map[record.TopicPartition]bool{}
	for _, tp := range all {
		known[tp] = true
	}
	for i := range targets {
		if tp := targets[i].TopicPartition; !known[tp] {
			return fmt.Errorf("partition %s: %w", tp, kerr.ErrNoPartition)
		}
	}
	return nil
}

// OffsetsAt asks for the offsets of targets that are times: -1 where nothing is that young.
func (c *Cluster) OffsetsAt(ctx context.Context, targets []Target) (map[record.TopicPartition]int64, error) {
	byTime := map[int64][]record.TopicPartition{}
	for i := range targets {
		if t := &targets[i]; t.Offset == AtTime {
			byTime[t.Time] = append(byTime[t.Time], t.TopicPartition)
		}
	}
	offsets := map[record.TopicPartition]int64{}
	for at, partitions := range byTime {
		err := c.Query(ctx, func(ctx context.Context, a *Admin) error {
			found, err := a.offsets(ctx, partitions, binding.NewOffsetSpecForTimestamp(at))
			maps.Copy(offsets, found)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return offsets, nil
}

// moveTo has a group go on at the offsets.
func (c *Cluster) moveTo(ctx context.Context, group string, offsets []record.PartitionOffset) error {
	served, elsewhere := c.elsewhere(group, offsets)
	if !served {
		return c.WithOffsetClient(ctx, group, func(e *OffsetClient) error { return e.Commit(ctx, offsets) })
	}
	if len(elsewhere) == 0 {
		var err error
		if elsewhere, err = c.engine.Seek(ctx, group, offsets); err != nil {
			return seekError(err)
		}
	}
	if len(elsewhere) > 0 {
		return kerr.NotHere(elsewhere[0].TopicPartition, "")
	}
	return nil
}

// shown are offsets as a line of the log has them: some, of very many.
func shown(offsets []record.PartitionOffset) string {
	const most = 20
	var b strings.Builder
	for i, p := range offsets {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(offsets)-most)
			break
		}
		fmt.Fprintf(&b, " %s:%d", p.TopicPartition, p.Offset)
	}
	return strings.TrimSpace(b.String())
}

// seekError tells apart what may have been done.
func seekError(err error) error {
	if errors.Is(err, kerr.ErrNoAnswer) {
		return kerr.ErrMaybe
	}
	return err
}

// elsewhere tells whether this proxy is in the group, and which of the offsets are not assigned to it.
func (c *Cluster) elsewhere(group string, offsets []record.PartitionOffset) (served bool, elsewhere []record.PartitionOffset) {
	here, served := c.engine.Served()[group]
	for _, p := range offsets {
		if _, assigned := here.Assigned[p.TopicPartition]; !assigned {
			elsewhere = append(elsewhere, p)
		}
	}
	return served, elsewhere
}
