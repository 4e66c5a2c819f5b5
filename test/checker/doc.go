// Command checker tells whether sluice keeps its promises while things die. Producers and consumers,
// each a process of its own, send and acknowledge records with unique ids through the Redis door of
// the built binary, and then through its HTTP door, while clients, sluice and the brokers of a real Apache Kafka are killed and
// stopped, logs are deleted, cut and extended, and brokers refuse records. What every client saw is recorded, the
// topics are read by a client that shares no code with sluice, and the history is judged:
//
//   - a delivered produce that was answered :1 is in its topic, once, with its content, and in the
//     order of its key; one that was refused is not there;
//   - a record is rejected only if brokers must refuse it, whatever was sent with it;
//   - a topic whose brokers are well is answered :1, whatever becomes of others;
//   - every record of a topic is acknowledged by somebody: what was handed out and not acknowledged
//     comes again, in order; acknowledgements of a log that is gone count for nothing in the one that has its name;
//   - what was deleted before it was handed out is counted, to the record;
//   - an acknowledged record does not come again, unless sluice was killed, or the log replaced,
//     within a commit interval of the answer;
//   - where records fail: they come again with the number of their attempts, no later record of their key before them, and those
//     that are given up have a dead letter, one unless something went wrong just then, before they count as done;
//   - sluice ends with status 0 when asked to, and leaves everything committed.
//
// It prints a table, one row for each fault and way through sluice, and exits with status 1 when a
// promise was broken. Faults that hurt nothing but their own trial's topics are tried several at a time. Run it by hand:
//
//	go run ./test/checker -list
//	go run ./test/checker -duration 1m -fault 'broker'
//	go run ./test/checker -fault 'records fail|dead letters'
//	go run ./test/checker -long
//	go run ./test/checker -memory
//	go run ./test/checker -topics
//	go run ./test/checker -deploys
//	go run ./test/checker -fake -fault 'retention'
package main
