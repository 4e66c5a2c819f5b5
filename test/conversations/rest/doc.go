// Package rest runs conversations with the HTTP door that are written down as text: what a client sends
// and, byte for byte, what it must get. Every .http file is played on the fake cluster and on a real Apache
// Kafka, each with a proxy of its own, one request after the other on one connection.
//
//	# a comment
//	@topic orders 2             creates a topic of two partitions, named <orders> below
//	@deny orders                the brokers refuse whatever is asked of it
//	@config http: {...}         a line of the proxy's configuration file
//	> POST /topics/<orders>     a request: its first line, its fields, an empty line, its body
//	> Content-Type: application/json
//	>
//	> {"records":[{"value":1}]}
//	< 200                       the answer: its status, fields that it must have, an empty line, its body
//	< Content-Type: application/vnd.kafka.v2+json
//	<
//	< {"offsets":[{"partition":<p>,"offset":<n>,"error_code":null,"error":null}]}
//
// <n> in an answer is any number, <any> any text without a quote, <all> any text. Another <name> is what it was when it was
// first met: in an answer it takes the text that stands there, in a request it becomes a name that no other
// run uses. <long> in a request is more than a header may have.
//
// Host, Content-Length of a body and HTTP/1.1 are added to requests that do not say otherwise. Of a body that is
// expected to end with a line of ... only what is before that is read: then the client hangs up.
package rest
