package librdkafka

// #include "sluice.h"
import "C"

// Pause stops fetching the partitions until Resume, also after another assignment. A partition needs its Queue before. Its
// buffered messages are dropped, and so are those of a response that is on its way.
//
// Resume goes on at the offset that librdkafka believes the application to have reached, which never goes back
// (rd_kafka_q_serve_rkmessages in its rdkafka_queue.c): Seek before Resume.
func (c *Consumer) Pause(partitions []Partition) error {
	defer acquireSlot()()
	list := listOf(partitions)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	err := errorOf(C.rd_kafka_pause_partitions(c.rk, list))
	for _, p := range partitions {
		c.paused[topicPartition{p.Topic, p.ID}] = true
	}
	return err
}

// Resume ends a Pause.
func (c *Consumer) Resume(partitions []Partition) error {
	for _, p := range partitions {
		delete(c.paused, topicPartition{p.Topic, p.ID})
	}
	return c.resume(partitions)
}

// Paused tells whether the partition is paused.
func (c *Consumer) Paused(topic string, partition int32) bool {
	return c.paused[topicPartition{topic, partition}]
}

// resume resumes the partitions that are not to stay paused.
func (c *Consumer) resume(partitions []Partition) error {
	defer acquireSlot()()
	var free []Partition
	for _, p := range partitions {
		if !c.paused[topicPartition{p.Topic, p.ID}] {
			free = append(free, p)
		}
	}
	list := listOf(free)
	defer C.rd_kafka_topic_partition_list_destroy(list)
	return errorOf(C.rd_kafka_resume_partitions(c.rk, list))
}
