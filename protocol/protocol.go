// Package protocol is the codec of RESP, the Redis protocol.
//
// A Reader turns the bytes of a socket into commands. An Encoder collects replies in RESP2 or RESP3. The Parse functions
// read the arguments that several commands of this proxy have. The package knows neither Kafka nor sockets. Every number
// that a client sends is compared with its limit before memory is taken for it.
package protocol

import "bytes"

// Limits bound one command. A field that is zero or negative allows nothing of its kind; start from
// DefaultLimits or PreAuthLimits.
type Limits struct {
	// Args is how many arguments a command may have, its name included.
	Args int
	// Bulk is the size of one argument in bytes.
	Bulk int
	// Command is the size in bytes of all arguments of one command together.
	Command int
	// Inline is the length in bytes of a line that is not an array, without its line end.
	Inline int
	// PreAuth says that these are the limits of a client that has not authenticated. The error for too many Args, or
	// for too long a Bulk, then says so, as in Redis.
	PreAuth bool
}

// DefaultLimits are the limits of a client that may use the proxy.
func DefaultLimits() Limits {
	return Limits{Args: 64 << 10, Bulk: 1 << 20, Command: 4 << 20, Inline: 4 << 10}
}

// PreAuthLimits are the limits of a client that still has to authenticate: room for HELLO, AUTH and
// CLIENT. 10 arguments and 16 KiB are Redis' own (networking.c, processMultibulkBuffer).
func PreAuthLimits() Limits {
	return Limits{Args: 10, Bulk: 16 << 10, Command: 64 << 10, Inline: 1 << 10, PreAuth: true}
}

// TooLarge says what of a command was dropped.
type TooLarge struct {
	Bytes int  // of the argument that is too large, or of all arguments
	Limit int  // what is allowed
	Whole bool // the arguments are too large together
}

// SyntaxError says why the bytes of a client cannot be a command. The bytes after it have no meaning: send it as the reply
// and close the connection. Its value is Redis' text without the "Protocol error: " that Error puts before it.
type SyntaxError string

// Error returns what goes to the client after the prefix "ERR ".
func (e SyntaxError) Error() string { return "Protocol error: " + string(e) }

// The texts are those of Redis (networking.c), except errBigCommand: Redis has no such limit.
const (
	errBigInline    = SyntaxError("too big inline request")
	errQuotes       = SyntaxError("unbalanced quotes in request")
	errBigCount     = SyntaxError("too big mbulk count string")
	errCount        = SyntaxError("invalid multibulk length")
	errPreAuthCount = SyntaxError("unauthenticated multibulk length")
	errBigLength    = SyntaxError("too big bulk count string")
	errLength       = SyntaxError("invalid bulk length")
	errPreAuthBulk  = SyntaxError("unauthenticated bulk length")
	errBigCommand   = SyntaxError("too big command")
)

// IsHTTP reports whether a command name is one that only a browser talking to the wrong port sends.
// Redis closes the connection on the same two (server.c, securityWarningCommand). A Host header follows any request line,
// and a script must not reach a command in the body behind it.
func IsHTTP(name []byte) bool {
	return bytes.EqualFold(name, []byte("POST")) || bytes.EqualFold(name, []byte("Host:"))
}
