package v2

import (
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// partitionOffset is an element of the lists in bodies: a partition, with an offset or a time.
type partitionOffset struct {
	kafka.TopicPartition
	offset    int64  // -1 for none
	timestamp string // empty for none
}

// maxPartitions bounds such a list.
const maxPartitions = 10_000

// readPartitionOffsets reads a list. needs is the member that each element must have besides topic and partition;
// empty for none.
func readPartitionOffsets(raw []byte, list, needs string) (all []partitionOffset, err error) {
	err = jsonscan.EachElement(raw, list, maxPartitions, func(raw []byte) error {
		one, err := readPartitionOffset(raw, list, needs)
		all = append(all, one)
		return err
	})
	return all, err
}

func readPartitionOffset(raw []byte, list, needs string) (one partitionOffset, err error) {
	one.Partition, one.offset = -1, -1
	err = jsonscan.EachField(raw, "an element of \""+list+"\"", func(name string, raw []byte) (err error) {
		switch name {
		case "topic":
			one.Topic, err = jsonscan.String(name, raw)
		case "partition":
			one.Partition, err = jsonscan.Int32(name, raw)
		case "offset":
			one.offset, err = jsonscan.Int(name, raw, 62) // the next offset is stored
		case "timestamp":
			one.timestamp, err = jsonscan.Word(name, raw)
		case "metadata": // of a commit; ignored
		default:
			err = exchange.Invalid("Unrecognized field: %s", name)
		}
		return err
	})
	switch {
	case err != nil:
	case !kafka.ValidTopic(one.Topic):
		err = exchange.Invalid("%q: %q is not the name of a topic", list, one.Topic)
	case one.Partition < 0:
		err = exchange.Invalid("%q: \"partition\" is missing", list)
	case needs == "offset" && one.offset < 0, needs == "timestamp" && one.timestamp == "":
		err = exchange.Invalid("%q: %q is missing", list, needs)
	}
	return one, err
}

// lastOfEach keeps the last offset of each partition, in the order in which the partitions came first.
func lastOfEach(all []kafka.PartitionOffset) (kept []kafka.PartitionOffset) {
	at := map[kafka.TopicPartition]int{}
	for _, p := range all {
		i, known := at[p.TopicPartition]
		if !known {
			i = len(kept)
			at[p.TopicPartition] = i
			kept = append(kept, p)
		}
		kept[i] = p
	}
	return kept
}

// partitionsIn returns the partitions of a list.
func partitionsIn(all []partitionOffset) []kafka.TopicPartition {
	list := make([]kafka.TopicPartition, 0, len(all))
	for i := range all {
		list = append(list, all[i].TopicPartition)
	}
	return list
}

// topicPartition is how bodies name a partition.
type topicPartition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// topicPartitions returns partitions as bodies have them.
func topicPartitions(partitions []kafka.TopicPartition) []topicPartition {
	list := []topicPartition{}
	for _, tp := range partitions {
		list = append(list, topicPartition{tp.Topic, tp.Partition})
	}
	return list
}

// readPartitions reads {"partitions":[{"topic":"t","partition":0}]}. A partition that is given twice counts once.
func readPartitions(body []byte) (partitions []kafka.TopicPartition, err error) {
	given := false
	err = jsonscan.EachField(body, "the body", func(name string, raw []byte) error {
		if name != "partitions" {
			return exchange.Invalid("Unrecognized field: %s", name)
		}
		given = true
		all, err := readPartitionOffsets(raw, name, "")
		partitions = partitionsIn(all)
		return err
	})
	if err == nil && !given {
		err = exchange.Invalid("expected \"partitions\"")
	}
	seen := map[kafka.TopicPartition]bool{}
	partitions = slices.DeleteFunc(partitions, func(tp kafka.TopicPartition) bool {
		again := seen[tp]
		seen[tp] = true
		return again
	})
	return partitions, err
}
