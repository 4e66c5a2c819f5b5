// Package clients drives real clients, unmodified and from their own packages, against the built proxy.
// Those of Redis connect under a name, produce, wait for records with a fractional timeout, acknowledge,
// meet errors, and speak RESP3 where they can; those of the Confluent REST Proxy produce, and consume
// through instances.
package clients
