// Package operations meets the built binary as whoever operates it: its books balance under load,
// restarts cost nobody an answer, an outage of the brokers is sat out, and health, status and the words
// for the service manager say what is true.
package operations
