// Package consumer lends the records of groups to members.
//
// A Subscription is one librdkafka consumer, for a group, its topics and what overrides their properties. It has one
// goroutine, which alone calls the consumer.
//
// A record comes this way. librdkafka keeps fetched records in a queue per partition. The goroutine takes them when the
// partition's ledger is low. The budget decides which partitions librdkafka may fetch. The dispatch lends a partition's
// records to one member at a time. Member.Next returns them.
//
// An acknowledgement goes this way. Member.Accept settles the record in the ledger. The ledger's position is the first
// offset that is not settled. The goroutine hands changed positions to librdkafka, which commits them at every commit
// interval. A position that went down is committed explicitly, because librdkafka only commits upwards.
//
// A partition may leave for another consumer, its log may begin again, and its topic may be deleted and created again.
// Each of these begins the partition's ledger anew, and keeps what must not be committed from being committed.
package consumer
