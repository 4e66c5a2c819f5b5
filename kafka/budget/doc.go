// Package budget shares the memory for fetched records among the partitions of all subscriptions.
//
// librdkafka unpacks whole batches, so what a fetch takes is known only when it has come. The package is pure: no clock,
// no lock, no Kafka.
package budget
