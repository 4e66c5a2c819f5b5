// Package groups tests what a redeploy costs: members of a group come and go at the proxy, and
// Kafka must not hear of it.
package groups
