// Package harness starts what the tests talk to: the built proxy, a fake Kafka in the process, a
// real Apache Kafka from its published jars, a real redis-server. It also holds an independent
// Kafka client (franz-go, no librdkafka), so that what the proxy claims is checked by a stranger.
//
// Nothing here depends on the testing package: the truth checker and the benchmarks use it too.
// Everything that is started listens on free loopback ports and ends with its Close.
package harness
