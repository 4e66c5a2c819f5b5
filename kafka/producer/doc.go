// Package producer writes records to Kafka for many sessions.
//
// Producers own one librdkafka producer per profile, and replace a producer that fails or whose properties change. A
// Publisher belongs to one session. The publisher counts the session's pending records, and keeps their outcomes in order.
//
// A record goes this way. The topic gate holds a record until the brokers know its topic. A session batch gathers the
// records that a session produces in a row. The accumulator holds records that librdkafka should not have yet. Others
// may be under way, or librdkafka's queue may be full. The producer's handle takes the records.
//
// Its delivery report goes this way. One goroutine per handle, the report loop, reads the reports. The loop counts the
// record's outcome in the row of its topic, tells the publisher, and wakes the session.
//
// A record leaves this way in three cases. A record of a topic or partition that the producer does not know goes back to
// the gate. There sluice asks the brokers once more. The records of a refused batch are sent again in smaller batches, at
// last alone. A record that nobody can write ends with an Error, which has an outcome and a reason.
package producer
