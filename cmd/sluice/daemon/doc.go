// Package daemon runs the service of `sluice serve`: it opens listeners and clients, reloads, drains and closes them.
package daemon
