package kafka

import (
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// Place is an offset of a partition.
type Place struct {
	TopicPartition
	Offset int64
}

// What settling and seeking can end with, wrapped with more, besides ErrDenied, ErrNoAnswer and ErrStopping.
var (
	// ErrNotHere says that the partition is not assigned here, or that another member is at work on it.
	ErrNotHere = errors.New("not assigned here")
	// ErrMoving says that Kafka is moving partitions between the members of the group: try again.
	ErrMoving = errors.New("the group is being rebalanced")
	// ErrMoved says that Kafka has moved a partition to another member of the group.
	ErrMoved = errors.New("the partition has moved away")
	// ErrForeign says that members are in the group, which lets only them commit.
	ErrForeign = errors.New("the group has members of its own")
)

// notHere names the partition.
func notHere(tp TopicPartition, why string) error { return fmt.Errorf("%s: %w%s", tp, ErrNotHere, why) }

// placesOf is how librdkafka has places.
func placesOf(places []Place) []librdkafka.Partition {
	list := make([]librdkafka.Partition, 0, len(places))
	for _, p := range places {
		list = append(list, librdkafka.Partition{Topic: p.Topic, ID: p.Partition, Offset: p.Offset})
	}
	return list
}
