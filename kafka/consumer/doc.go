// Package consumer lends the records of groups to members.
//
// A subscription is one librdkafka consumer, for a group, its topics and the properties that a client overrides. One
// goroutine owns the consumer.
//
// A record comes this way. librdkafka keeps fetched records in a queue per partition. The budget decides which
// partitions librdkafka may fetch. The goroutine takes records from the queue when the partition's ledger holds too few.
// The dispatch lends a partition's records to one member at a time. Member.Next returns them.
//
// An acknowledgement goes this way. Member.Accept settles the record in the ledger. The ledger's position is the first
// offset that is not settled. The goroutine stores changed positions in librdkafka, which commits them at every commit
// interval. A position that went down is committed explicitly, because librdkafka's own commits only go up.
//
// A partition may leave and come back. Its log may be truncated. Its topic may be deleted and created again. Each time
// the partition gets a new ledger, so that no offset of the old one is committed.
package consumer
