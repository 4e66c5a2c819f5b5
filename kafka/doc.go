// Package kafka is librdkafka as plain Go: publish, subscribe, lease, settle, administer.
//
// It owns every Kafka client of the process. What a connection holds are light handles: a
// Publisher to produce through the shared producers, a Member to be lent records by a shared
// Subscription.
package kafka
