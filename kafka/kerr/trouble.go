package kerr

import (
	"errors"
	"regexp"
	"strings"
)

// Cause is why a broker cannot be reached.
type Cause struct {
	Broker   string // its host:port, with which the sentence begins; empty for what concerns all brokers
	Sentence string // in plain words
	Vague    bool   // the broker may have said more before: librdkafka tells the same trouble in several ways
}

// Trouble reads a cause from the text of an error event or of a line of the log.
func Trouble(text string) Cause {
	var c Cause
	text = logPrefix.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	if m := brokerPrefix.FindStringSubmatch(text); m != nil {
		c.Broker, text = m[1], text[len(m[0]):]
	}
	for _, t := range troubles {
		if m := t.said.FindStringSubmatchIndex(text); m != nil {
			c.Sentence, c.Vague = strings.TrimSpace(c.Broker+" "+string(t.said.ExpandString(nil, t.means, text, m))), t.vague
			return c
		}
	}
	c.Sentence = strings.TrimPrefix(c.Broker+": "+stateSuffix.ReplaceAllString(text, ""), ": ")
	return c
}

// librdkafka names the broker in front, with the protocol if it is not plaintext: sasl_ssl://kafka1:9093/bootstrap. Behind
// it tells how long the connection was in its state (rd_kafka_broker_set_error in rdkafka_broker.c).
var (
	logPrefix    = regexp.MustCompile(`^FAIL: \[thrd:[^\]]*\]: `)
	brokerPrefix = regexp.MustCompile(`^(?:[a-z_]+://)?([^ /]+:\d+)(?:/[A-Za-z0-9-]+)?: `)
	stateSuffix  = regexp.MustCompile(` \(after \d+ms in state .*$`)
)

// troubles are librdkafka's sentences, and what they mean for an operator, behind the broker's name. The first that fits
// counts.
var troubles = []struct {
	said  *regexp.Regexp
	means string
	vague bool
}{
	{sentence(`Failed to resolve '[^']*': (.*?)`), `does not resolve ($1)`, false},
	{sentence(`.*failed: Connection refused`), `refuses connections: nothing listens there`, false},
	// What speaks TLS does not answer the first request, which is about versions.
	{regexp.MustCompile(`^Disconnected: connection closed by peer.* in state APIVERSION_QUERY`), `closes the connection: it may want TLS (security.protocol: ssl or sasl_ssl)`, false},
	{sentence(`.*connecting to a PLAINTEXT broker listener\?.*?`), `does not speak TLS: security.protocol may have to be plaintext or sasl_plaintext`, false},
	{sentence(`.*certificate verify failed.*?`), `has a certificate that is not trusted: see ssl.ca.location`, false},
	{sentence(`.*alert (?:certificate required|certificate unknown|bad certificate|unknown ca|handshake failure).*?`), `wants a client certificate that it trusts: see ssl.certificate.location`, false},
	{sentence(`SASL authentication error: (.*?)`), `refuses the login: $1`, false},
	{sentence(`SASL (\S+) mechanism handshake failed: .*supported mechanisms: (.*?)`), `refuses the login: sasl.mechanisms is $1, and it knows $2`, false},
	{sentence(`.*Invalid response size.*?`), `does not speak Kafka: something else listens there`, false},
	{sentence(`Failed to acquire SASL OAUTHBEARER token: (.*?)`), `no OAUTHBEARER token can be had: $1`, false},
	// What wants a login answers one request, about versions, and ends the connection at the next.
	{regexp.MustCompile(`^(?:Disconnected|Send failed|Receive failed): .* \(after \d{1,3}ms in state UP`), `wants a login: security.protocol may have to be sasl_ssl or sasl_plaintext`, false},
	{sentence(`Disconnected.*?`), `closes the connection`, true},
	{sentence(`(?:ApiVersionRequest failed: .*Timed out|Connection setup timed out|\d+ request\(s\) timed out).*?`), `does not answer`, true},
}

// sentence is one of librdkafka's, whatever it says of the connection's state.
func sentence(text string) *regexp.Regexp {
	return regexp.MustCompile(`^` + text + `(?: \(after \d+ms in state .*)?$`)
}

// Because is an error that reads as its cause in plain words, and is still what it was.
func Because(err error, why string) error { return &explanation{errors.New(why), err} }

// explained finds the words that Because has given to an error.
func explained(err error) (why string, is bool) {
	e, is := errors.AsType[*explanation](err)
	if !is {
		return "", false
	}
	return e.Error(), true
}
