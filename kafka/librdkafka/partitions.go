package librdkafka

import (
	"github.com/sluice-proxy/sluice/kafka/record"
)

// PartitionsAt are the partitions of offsets, in the same order.
func PartitionsAt(offsets []record.PartitionOffset) []Partition {
	list := make([]Partition, 0, len(offsets))
	for _, o := range offsets {
		list = append(list, Partition{Topic: o.Topic, ID: o.Partition, Offset: o.Offset})
	}
	return list
}
