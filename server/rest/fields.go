package rest

import (
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// spot is what the lists of partitions in bodies hold: where a partition is, and what of it.
type spot struct {
	kafka.TopicPartition
	offset    int64  // -1 for none
	timestamp string // empty for none
}

// mostSpots bounds a list of partitions.
const mostSpots = 10_000

// spots reads a list of partitions; needs is what each must have besides topic and partition, if anything.
func spots(raw []byte, list, needs string) (all []spot, err error) {
	err = jsonscan.EachElement(raw, list, mostSpots, func(raw []byte) error {
		one, err := spotOf(raw, list, needs)
		all = append(all, one)
		return err
	})
	return all, err
}

func spotOf(raw []byte, list, needs string) (one spot, err error) {
	one.Partition, one.offset = -1, -1
	err = jsonscan.EachField(raw, "an element of \""+list+"\"", func(name string, raw []byte) (err error) {
		switch name {
		case "topic":
			one.Topic, err = jsonscan.String(name, raw)
		case "partition":
			one.Partition, err = jsonscan.Int32(name, raw)
		case "offset":
			one.offset, err = jsonscan.Int(name, raw, 62) // the one behind it is stored
		case "timestamp":
			one.timestamp, err = jsonscan.Word(name, raw)
		case "metadata": // of a commit: not kept
		default:
			err = invalid("Unrecognized field: %s", name)
		}
		return err
	})
	switch {
	case err != nil:
	case !legalTopic(one.Topic):
		err = invalid("%q: %q is not the name of a topic", list, one.Topic)
	case one.Partition < 0:
		err = invalid("%q: \"partition\" is missing", list)
	case needs == "offset" && one.offset < 0, needs == "timestamp" && one.timestamp == "":
		err = invalid("%q: %q is missing", list, needs)
	}
	return one, err
}

// partitionsAt are the partitions of spots.
func partitionsAt(all []spot) []kafka.TopicPartition {
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

// named writes partitions as bodies do.
func named(partitions []kafka.TopicPartition) []topicPartition {
	list := []topicPartition{}
	for _, tp := range partitions {
		list = append(list, topicPartition{tp.Topic, tp.Partition})
	}
	return list
}

// partitionsOfBody reads {"partitions":[{"topic":"t","partition":0}]}, each once.
func partitionsOfBody(body []byte) (partitions []kafka.TopicPartition, err error) {
	given := false
	err = jsonscan.EachField(body, "the body", func(name string, raw []byte) error {
		if name != "partitions" {
			return invalid("Unrecognized field: %s", name)
		}
		given = true
		all, err := spots(raw, name, "")
		partitions = partitionsAt(all)
		return err
	})
	if err == nil && !given {
		err = invalid("expected \"partitions\"")
	}
	seen := map[kafka.TopicPartition]bool{}
	partitions = slices.DeleteFunc(partitions, func(tp kafka.TopicPartition) bool {
		again := seen[tp]
		seen[tp] = true
		return again
	})
	return partitions, err
}
