package librdkafka

// #include "abi.h"
import "C"

// Pause keeps the partitions from being fetched until Resume, also over assignments; a partition needs its Queue
// first. What is buffered of them is dropped, and so is an answer that is on its way.
//
// librdkafka goes on where it believes the application to be, and that never goes back
// (rd_kafka_q_serve_rkmessages in its rdkafka_queue.c): Seek before Resume.
func (c *Consumer) Pause(partitions []Partition) error {
	defer enter()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	err := errorOf(C.rd_kafka_pause_partitions(c.rk, list))
	for _, p := range partitions {
		c.paused[place{p.Topic, p.ID}] = true
	}
	return err
}

// Resume ends a Pause.
func (c *Consumer) Resume(partitions []Partition) error {
	for _, p := range partitions {
		delete(c.paused, place{p.Topic, p.ID})
	}
	return c.resume(partitions)
}

// Paused tells whether the partition is kept from being fetched.
func (c *Consumer) Paused(topic string, partition int32) bool {
	return c.paused[place{topic, partition}]
}

// resume lifts the pauses of partitions but of those that are to stay paused.
func (c *Consumer) resume(partitions []Partition) error {
	defer enter()()
	var free []Partition
	for _, p := range partitions {
		if !c.paused[place{p.Topic, p.ID}] {
			free = append(free, p)
		}
	}
	list := listOf(free)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return errorOf(C.rd_kafka_resume_partitions(c.rk, list))
}

type place struct {
	topic     string
	partition int32
}
