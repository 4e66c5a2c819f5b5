// Package shippers drives log shippers that write to Redis against the built proxy. rsyslog and syslog-ng are really run,
// as Debian packages them, with the lines of configuration that docs/clients.md shows. Filebeat, Logstash, Fluentd,
// Fluent Bit, Vector and Telegraf are in no package that a test may install. They are played: a test sends what their
// source sends, judges the answers as their source does, and names that source. Kafka itself says what has arrived.
package shippers
