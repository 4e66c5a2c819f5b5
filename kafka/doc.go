// Package kafka is the one Kafka client of the process.
//
// A Client opens the packages below it, changes their configuration, closes them in order. Each has its own doc:
// producer writes records, consumer lends the records of groups, reader reads without a group, cluster asks the brokers.
// The names of these packages that callers of a Client need are also names of this package.
//
// A connection holds only light handles. A session produces through its Publisher. A Member of a group is lent records.
// So a connection that begins or ends is nothing that Kafka hears of.
package kafka
