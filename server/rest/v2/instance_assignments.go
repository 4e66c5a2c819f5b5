package v2

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// mostAssignedTopics bounds the topics of an assignment: the brokers are asked for each.
const mostAssignedTopics = 100

// assign takes partitions that the client chooses. The instance is then no member of the group, but commits for it.
func assign(x *exchange.Exchange, in *instance) error {
	body, err := neededBody(x)
	if err != nil {
		return err
	}
	partitions, err := readPartitions(body)
	if err != nil {
		return err
	}
	if err := checkPartitions(x, partitions); err != nil {
		return err
	}
	if err := in.inTurn(x, func() error {
		return joinWithin(x.R.Context(), in.bell, func() error { return in.assign(x, partitions) })
	}); err != nil {
		return err
	}
	x.Send(http.StatusNoContent, nil)
	return nil
}

// checkPartitions makes sure that the partitions exist.
func checkPartitions(x *exchange.Exchange, partitions []kafka.TopicPartition) error {
	ctx, cancel := x.AskContext()
	defer cancel()
	counts := map[string][]kafka.PartitionInfo{}
	for _, tp := range partitions {
		if _, known := counts[tp.Topic]; !known {
			if len(counts) == mostAssignedTopics {
				return exchange.Errorf(http.StatusRequestEntityTooLarge, "partitions of more than %d topics", mostAssignedTopics)
			}
			t, err := x.Kafka.Topic(ctx, tp.Topic)
			if err != nil {
				return err
			}
			counts[tp.Topic] = t.Partitions
		}
		if !slices.ContainsFunc(counts[tp.Topic], func(p kafka.PartitionInfo) bool { return p.ID == tp.Partition }) {
			return exchange.NoPartition()
		}
	}
	return nil
}

func (in *instance) assign(x *exchange.Exchange, partitions []kafka.TopicPartition) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.ended != alive:
		return in.notFound()
	case len(in.interest.Topics) > 0:
		return errExclusive()
	case len(partitions) == 0: // assigning nothing ends an assignment
		in.leave(true)
		return nil
	case in.member != nil:
		in.reassign(partitions)
		return nil
	}
	return in.join(x.Kafka, kafka.SubscribeOptions{Partitions: partitions, Overrides: in.overrides, Address: x.Address()}, false)
}

// reassign changes the assignment. Records of removed partitions can no longer be committed. The caller
// holds mu.
func (in *instance) reassign(partitions []kafka.TopicPartition) {
	in.member.Assign(partitions)
	in.interest.Partitions = partitions
	for tp := range in.deliveredThrough() {
		if !slices.Contains(partitions, tp) {
			in.forget(tp)
		}
	}
}

// assignments answers with the partitions that the instance reads.
func assignments(x *exchange.Exchange, in *instance) error {
	x.JSON(http.StatusOK, map[string][]topicPartition{"partitions": topicPartitions(in.partitions())})
	return nil
}

// partitions returns those that the instance reads: the assigned ones, or those of its subscription that are here and
// that no other instance has records of.
func (in *instance) partitions() []kafka.TopicPartition {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.member == nil:
		return nil
	case len(in.interest.Partitions) > 0:
		return in.interest.Partitions
	}
	return in.member.Assigned()
}

// has makes sure that the instance reads all the partitions.
func (in *instance) has(partitions []kafka.TopicPartition) error {
	if _, err := in.currentMember(); err != nil {
		return err
	}
	own := map[kafka.TopicPartition]bool{}
	for _, tp := range in.partitions() {
		own[tp] = true
	}
	for _, tp := range partitions {
		if !own[tp] {
			return fmt.Errorf("%s: %w", tp, kafka.ErrNotHere)
		}
	}
	return nil
}
