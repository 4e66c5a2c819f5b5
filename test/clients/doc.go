// Package clients drives real Redis clients, unmodified and from their own packages, against the
// built proxy: they connect under a name, produce, wait for records with a fractional timeout,
// acknowledge, meet errors, and speak RESP3 where they can.
package clients
