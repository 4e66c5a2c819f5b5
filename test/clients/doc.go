// Package clients drives real clients, unmodified and from their own packages, against the built proxy. Those of Redis
// connect under a name, produce, wait for records with a fractional timeout, acknowledge, meet errors, and speak RESP3
// where they can. Those of the Confluent REST Proxy produce, and consume through instances. schemathesis asks the HTTP
// door from its own document and finds no 5xx and no answer that is not described. Clients that generators make of that
// document are built, and make a round trip. A headless Chromium meets the page at /docs under its strict policy, by
// keyboard and in the dark, and reads a stream of records with an EventSource.
//
// go-redis is tested always. What needs another language, or fetches packages, stands behind a build tag: clients,
// openapi, generated or browser.
package clients
