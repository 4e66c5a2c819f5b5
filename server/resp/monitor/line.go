package monitor

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
)

// Values and long commands are cut, because a line is for a person.
const (
	maxShownValue = 64 // bytes
	maxShownArgs  = 32
)

// appendCommand writes the line of a command as Redis does (replication.c, replicationFeedMonitors).
func appendCommand(line []byte, now time.Time, client string, args [][]byte) []byte {
	line = fmt.Appendf(line, "+%d.%06d [0 %s]", now.Unix(), now.Nanosecond()/1000, client)
	secret := secrets(args)
	for i, arg := range args[:min(len(args), maxShownArgs)] {
		line = append(line, ' ')
		switch {
		case secret(i):
			line = append(line, `"(redacted)"`...)
		case len(arg) > maxShownValue:
			line = protocol.AppendQuoted(line, arg[:maxShownValue])
			line = append(line, "..."...)
		default:
			line = protocol.AppendQuoted(line, arg)
		}
	}
	if more := len(args) - maxShownArgs; more > 0 {
		line = fmt.Appendf(line, " ... (%d more arguments)", more)
	}
	return append(line, "\r\n"...)
}

// secrets tells which arguments of a command must not be shown. These are the arguments of AUTH, and the values of
// CONFIG SET. In HELLO they are all arguments after the first AUTH, because that one may be a name. In any command they
// are arguments that name a secret, such as the librdkafka properties of a consumer.
func secrets(args [][]byte) func(i int) bool {
	from := len(args)
	switch {
	case protocol.Is(args[0], "auth"):
		from = 1
	case protocol.Is(args[0], "hello"):
		if i := index(args, "auth"); i > 0 {
			from = i + 1
		}
	case protocol.Is(args[0], "config") && len(args) > 1 && protocol.Is(args[1], "set"):
		from = 2
	}
	return func(i int) bool { return i >= from || namesSecret(args[i]) }
}

// secretWords are parts of the names of librdkafka's sensitive properties (rdkafka_conf.c, _RK_SENSITIVE), as they
// occur in the JSON of a consumer key.
var secretWords = [][]byte{
	[]byte("password"), []byte("secret"), []byte(".pem"), []byte("oauthbearer"), []byte("token"), []byte("credential"),
}

// namesSecret tells whether the part of an argument that is shown names a secret. In JSON the name comes before its
// value, so the rest need not be searched. Outside JSON only "password" counts: a topic may well be called tokens.
func namesSecret(arg []byte) bool {
	shown := bytes.ToLower(arg[:min(len(arg), maxShownValue)])
	if bytes.IndexByte(shown, '{') < 0 {
		return bytes.Contains(shown, secretWords[0])
	}
	return slices.ContainsFunc(secretWords, func(word []byte) bool { return bytes.Contains(shown, word) })
}

// index finds a keyword among the arguments; -1 when it is not there.
func index(args [][]byte, keyword string) int {
	return slices.IndexFunc(args, func(arg []byte) bool { return protocol.Is(arg, keyword) })
}
