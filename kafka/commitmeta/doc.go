// Package commitmeta reads and writes what sluice keeps in the metadata of an offset commit: which records above the
// committed offset are settled, and which are failing.
//
// Kafka keeps one offset per partition and group, with a text that its brokers do not read. docs/decisions/0042-beyond-a-gap.md
// has the form of sluice's text. Whatever is not of this form is somebody else's.
package commitmeta
