// Package resp runs conversations with the proxy that are written down as text: what a
// client sends and, byte for byte, what it must get. README.md in this folder explains the notation.
//
// Every .txt file is run in RESP2 and in RESP3, against the fake cluster and against a real Kafka;
// files marked @redis are also replayed on a real redis-server.
package resp
