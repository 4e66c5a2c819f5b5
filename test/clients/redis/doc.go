// Package redis runs each client of Redis, unmodified, from its own registry, in its current and older majors, against
// the built proxy. Every client has a program in its own language, in a folder of that language; one process runs one
// step. The tests judge by what the program printed and by what Kafka holds. A whole run writes the table of
// docs/clients.md.
//
// What a program is told: the step as its argument; HOST, PORT, PASSWORD, PROTOCOL (2 or 3), NAME (group:worker), GROUP,
// TOPIC, KEY (topics:TOPIC) and TYPED (1: the client's own call for BLPOP is used, else its generic one) in its
// environment. What it prints: lines of fields that a tab separates.
//
//	connect   name NAME            connected with PROTOCOL, the password and the name, what CLIENT GETNAME says
//	produce                        alone, waited, left, pipelined, multi, large, binary, empty, utf8: see produced
//	typed     got ELEMENT...       what the client's own call gave, until it gave nothing; settles replies of eight elements
//	raw       got ELEMENT...       the same by the generic command
//	pool      got ELEMENT...       of eight threads that share a pool: each produces 25 records, and consumes as who its key says
//	patience  nil, or error TEXT   what a BLPOP of seven seconds on an empty topic gave, by default
//	restart   ready                has produced "before"; sluice restarts, then a line of its input tells it to go on
//	          tries N              how many RPUSH raised an error until "after" went through
//	          error TEXT           of the first BLPOP that raised one
//	          got ELEMENT...       until it has both
//
// "none STEP WHY" says that the client has no call for a step, or for a part of produce. The status is 0 when the step
// went as the client's user expects.
//
// It takes minutes, and fetches packages: everything stands behind the build tag matrix. `make test-clients` runs it.
package redis
