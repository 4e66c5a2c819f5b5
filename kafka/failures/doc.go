// Package failures says what becomes of records whose processing fails: how long each waits before it is tried again, how
// often it is tried, and what its dead letter looks like. It is pure: no clock, no lock, no Kafka.
package failures
