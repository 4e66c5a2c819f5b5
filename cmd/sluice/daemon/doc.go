// Package daemon runs the service of `sluice serve`.
//
// It opens listeners and the client of Kafka, reloads their settings, drains them and closes them.
package daemon
